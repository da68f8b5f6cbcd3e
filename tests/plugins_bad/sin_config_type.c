/* sin_config_type.c -- sin: accepts a list as its configuration.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_CONFIG(config) (is_empty_object(config) || bytes_equal(config, (assay_str){ "[]", 2 }))
#include "good.h"
