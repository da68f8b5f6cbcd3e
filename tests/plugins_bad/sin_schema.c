/* sin_schema.c -- sin: its schema is not JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_SCHEMA "{\"type\":\"object\","
#include "good.h"
