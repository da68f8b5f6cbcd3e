/* sin_bad_id.c -- sin: its id is not of the form org.example.name.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_ID "My Verifier!"
#include "good.h"
