/* mutant.c -- see mutant.h. SPDX-License-Identifier: Apache-2.0 */
#include "mutant.h"

#include <stdlib.h>

int emu_mutant;

__attribute__((constructor)) static void choose(void)
{
    const char *number = getenv("EMU_MUTANT");
    emu_mutant = number ? (int)strtol(number, NULL, 10) : 0;
}
