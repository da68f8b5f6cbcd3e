/* mutant.h -- which of a kernel's planted bugs is in force: that of the environment's EMU_MUTANT;
 * 0: none. Included before a kernel whose bugs are compiled in. SPDX-License-Identifier: Apache-2.0
 */
#ifndef MUTANT_H
#define MUTANT_H
#ifdef __cplusplus
extern "C"
#else
extern
#endif
    int emu_mutant;
#endif
