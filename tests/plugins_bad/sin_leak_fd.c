/* sin_leak_fd.c -- sin: leaves a descriptor open in every life.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
static int lost;
#define SIN_ON_CREATE(config) lost = open("/dev/null", O_RDONLY | O_CLOEXEC)
#include "good.h"
