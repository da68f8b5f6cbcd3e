/* elf.h -- reads a shared library's dynamic symbols from the file, without loading it. Every offset
 * is checked. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_ELF_H
#define AS_PLUG_ELF_H
#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

/* Is it a regular file, a 64-bit ELF shared object for this machine, and whole? AS_EPLUGIN with a
 * sentence: a text file, an empty or truncated one (which dlopen would map and die of) are told
 * apart. */
int as_elf_check(const char *path, as_err *err);

typedef struct as_elf_exports {
    const char *
        *names; /* n of them: defined, global or weak, visible from outside; in the file's order */
    uint32_t n;
    uint64_t entry_size; /* bytes of assay_plugin_entry; 0 where it is not defined */
} as_elf_exports;
int as_elf_read_exports(as_elf_exports *out, const char *path, as_arena *arena, as_err *err);
#endif
