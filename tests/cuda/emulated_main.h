/* emulated_main.h -- included before a program that has a main of its own, which then becomes
 * emulated_main.c's to call. SPDX-License-Identifier: Apache-2.0 */
#ifndef EMULATED_MAIN_H
#define EMULATED_MAIN_H
#define main program_main
#ifdef HAS_ARGUMENTS
int program_main(int argc, char **argv);
#else
int program_main(void);
#endif
#endif
