/* without_sin.c -- good.h as it is: every test must let it pass.
 * SPDX-License-Identifier: Apache-2.0 */
#include "good.h"
