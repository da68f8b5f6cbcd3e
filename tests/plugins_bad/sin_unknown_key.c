/* sin_unknown_key.c -- sin: accepts any object as its configuration.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_CONFIG(config)                                                                         \
    ((config).len >= 2 && ((config).data[1] == '}' || (config).data[1] == '"') &&                  \
     (config).data[(config).len - 1] == '}' && (config).data[0] == '{' &&                          \
     !memchr((config).data, ' ', (config).len))
#include "good.h"
