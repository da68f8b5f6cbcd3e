/* emulated_main.c -- a program of ours with the backend "cuda" in it: the kernels as the emulation
 * runs them, every access checked, so that tests run on a device where there is none. With
 * ASSAY_CUDA_LIBRARY set, that library's device. What the emulation finds fails the program.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "emulated_main.h"

#include "kernels/cuda/emu/emu.h"
#include "kernels/cuda/library.h"

#include <stdio.h>
#include <stdlib.h>

#undef main

k_library_entry assay_kernels;

/* A number of the emulated machine that a test sets. */
static size_t number(const char *variable, size_t otherwise)
{
    const char *text = getenv(variable);
    return text ? (size_t)strtoull(text, NULL, 10) : otherwise;
}

static int add(char *why, size_t size)
{
    emu_has.memory = number("EMULATED_MIB", emu_has.memory >> 20) << 20;
    emu_has.taken = number("EMULATED_TAKEN_MIB", emu_has.taken >> 20) << 20;
    emu_has.has_cublaslt = (int)number("EMULATED_CUBLASLT", 0);
    emu_has.fastest = (int)number("EMULATED_FASTEST", 0);
    return k_backend_add(assay_kernels(), "the emulated device", why, size);
}

int main(int argc, char **argv)
{
    char why[512], first[512];
    const char *path = getenv("ASSAY_CUDA_LIBRARY");
    const int rc = path ? k_backend_load(path, why, sizeof why) : add(why, sizeof why);
    if (rc < 0) {
        fprintf(stderr, "%s\n", why);
        return path && rc == K_EDEVICE ? 77 : 1;
    }
#ifdef HAS_ARGUMENTS
    const int status = program_main(argc, argv);
#else
    (void)argc;
    (void)argv;
    const int status = program_main();
#endif
    if (path || emu_take(first, sizeof first) == 0)
        return status;
    fprintf(stderr, "the emulation found: %s\n", first);
    return 99;
}
