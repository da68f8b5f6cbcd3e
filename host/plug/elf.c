/* elf.c -- a bounds-checked reader of the little of ELF that a plugin host needs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/elf.h"

#include "base/mem.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#elif defined(__riscv)
#define HOST_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define HOST_MACHINE EM_PPC64
#else
#define HOST_MACHINE EM_NONE /* not checked */
#endif

typedef struct image {
    const char *at;
    size_t size;
} image;

static void as_cleanup_image(image *m)
{
    if (m->at)
        munmap((void *)(uintptr_t)m->at, m->size); /* NOLINT(performance-no-int-to-ptr) */
}

/* A piece of the file, or false. Copies, so that alignment is nobody's worry. */
static bool read_at(const image *m, uint64_t offset, void *out, size_t size)
{
    if (offset > m->size || size > m->size - offset)
        return false;
    memcpy(out, m->at + offset, size);
    return true;
}

static bool holds(const image *m, uint64_t offset, uint64_t size)
{
    return offset <= m->size && size <= m->size - offset;
}

static int map_file(image *out, const char *path, as_err *err)
{
    AS_CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0)
        return as_fail(err, AS_EPLUGIN, "%s: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0)
        return as_fail_errno(err, "%s", path);
    if (S_ISDIR(st.st_mode))
        return as_fail(err, AS_EPLUGIN, "%s: a folder, not a plugin; name the .so file inside it",
                       path);
    if (!S_ISREG(st.st_mode))
        return as_fail(err, AS_EPLUGIN, "%s: not a regular file", path);
    if (st.st_size == 0)
        return as_fail(err, AS_EPLUGIN, "%s: the file is empty; build the plugin again", path);
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return as_fail_errno(err, "%s: cannot be mapped", path);
    *out = (image){ at, (size_t)st.st_size };
    return 0;
}

static bool is_text(const image *m)
{
    size_t n = m->size < 512 ? m->size : 512;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)m->at[i];
        if (c < 0x20 && c != '\n' && c != '\r' && c != '\t')
            return false;
    }
    return true;
}

static int check_header(const image *m, const char *path, Elf64_Ehdr *eh, as_err *err)
{
    if (m->size < SELFMAG || memcmp(m->at, ELFMAG, SELFMAG) != 0)
        return as_fail(err, AS_EPLUGIN,
                       "%s: %s, not a shared library; a plugin is a .so made by `cc -shared -fPIC`",
                       path, is_text(m) ? "a text file" : "some other kind of file");
    if (!read_at(m, 0, eh, sizeof(*eh)))
        return as_fail(err, AS_EPLUGIN, "%s: cut short (%zu bytes); copy or build it again", path,
                       m->size);
    if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB)
        return as_fail(err, AS_EPLUGIN,
                       "%s: not a 64-bit little-endian library; build it for this machine", path);
    if (eh->e_type != ET_DYN)
        return as_fail(err, AS_EPLUGIN,
                       "%s: an object file or program, not a shared library; link it with -shared",
                       path);
    if (HOST_MACHINE != EM_NONE && eh->e_machine != HOST_MACHINE)
        return as_fail(err, AS_EPLUGIN,
                       "%s: built for another processor (ELF machine %u, here %u); rebuild it",
                       path, (unsigned)eh->e_machine, (unsigned)HOST_MACHINE);
    return 0;
}

static int check_whole(const image *m, const char *path, const Elf64_Ehdr *eh, as_err *err)
{
    bool whole = eh->e_phentsize == sizeof(Elf64_Phdr) && eh->e_phnum > 0;
    for (unsigned i = 0; whole && i < eh->e_phnum; i++) {
        Elf64_Phdr ph;
        whole = eh->e_phoff <= m->size &&
                read_at(m, eh->e_phoff + i * sizeof(ph), &ph, sizeof(ph)) &&
                (ph.p_type != PT_LOAD || holds(m, ph.p_offset, ph.p_filesz));
    }
    return whole ? 0
                 : as_fail(err, AS_EPLUGIN,
                           "%s: cut short or damaged (%zu bytes); copy or build it again", path,
                           m->size);
}

static int open_image(image *m, const char *path, Elf64_Ehdr *eh, as_err *err)
{
    int rc = map_file(m, path, err);
    rc = rc < 0 ? rc : check_header(m, path, eh, err);
    return rc < 0 ? rc : check_whole(m, path, eh, err);
}

int as_elf_check(const char *path, as_err *err)
{
    AS_CLEANUP(image) image m = { NULL, 0 };
    Elf64_Ehdr eh;
    return open_image(&m, path, &eh, err);
}

/* The section headers name the dynamic symbol table and its strings; linkers always write them and
 * strip keeps them. */
static bool find_dynsym(const image *m, const Elf64_Ehdr *eh, Elf64_Shdr *symbols,
                        Elf64_Shdr *strings)
{
    if (eh->e_shentsize != sizeof(Elf64_Shdr) || eh->e_shoff > m->size)
        return false;
    for (unsigned i = 0; i < eh->e_shnum; i++) {
        if (!read_at(m, eh->e_shoff + i * sizeof(*symbols), symbols, sizeof(*symbols)))
            return false;
        if (symbols->sh_type != SHT_DYNSYM)
            continue;
        return symbols->sh_link < eh->e_shnum && symbols->sh_entsize == sizeof(Elf64_Sym) &&
               read_at(m, eh->e_shoff + symbols->sh_link * sizeof(*strings), strings,
                       sizeof(*strings)) &&
               holds(m, symbols->sh_offset, symbols->sh_size) &&
               holds(m, strings->sh_offset, strings->sh_size);
    }
    return false;
}

/* What a linker adds to every library by itself is not the author's doing. */
static bool is_linkers(as_str name)
{
    static const char *const known[] = { "_init",       "_fini",  "_edata", "_end",
                                         "__bss_start", "_ftext", "_fdata", "_fbss" };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (as_str_is(name, known[i]))
            return true;
    return as_str_starts(name, "__asan_") || as_str_starts(name, "___asan_") ||
           as_str_starts(name, "__odr_asan") || as_str_starts(name, "__start_") ||
           as_str_starts(name, "__stop_") || as_str_starts(name, "__gcov_") ||
           as_str_starts(name, "__llvm_") || as_str_starts(name, "__sancov_");
}

static bool is_exported(const Elf64_Sym *s)
{
    unsigned bind = ELF64_ST_BIND(s->st_info);
    unsigned visibility = ELF64_ST_VISIBILITY(s->st_other);
    return s->st_shndx != SHN_UNDEF &&
           (bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE) &&
           (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

static as_str symbol_name(const image *m, const Elf64_Shdr *strings, const Elf64_Sym *s)
{
    if (s->st_name >= strings->sh_size)
        return (as_str){ "", 0 };
    const char *at = m->at + strings->sh_offset + s->st_name;
    return (as_str){ at, strnlen(at, strings->sh_size - s->st_name) };
}

int as_elf_read_exports(as_elf_exports *out, const char *path, as_arena *arena, as_err *err)
{
    AS_CLEANUP(image) image m = { NULL, 0 };
    Elf64_Ehdr eh;
    Elf64_Shdr symbols;
    Elf64_Shdr strings;
    int rc = open_image(&m, path, &eh, err);
    if (rc < 0)
        return rc;
    *out = (as_elf_exports){ NULL, 0, 0 };
    if (!find_dynsym(&m, &eh, &symbols, &strings))
        return as_fail(err, AS_EPLUGIN, "%s: no dynamic symbol table; link it with -shared", path);
    size_t n = symbols.sh_size / sizeof(Elf64_Sym);
    out->names = as_arena_calloc(arena, n + 1, sizeof(*out->names));
    if (!out->names)
        return as_fail(err, AS_ENOMEM, "%s: no memory for %zu symbols", path, n);
    for (size_t i = 1; i < n; i++) { /* entry 0 is the null symbol */
        Elf64_Sym s;
        if (!read_at(&m, symbols.sh_offset + i * sizeof(s), &s, sizeof(s)) || !is_exported(&s))
            continue;
        as_str name = symbol_name(&m, &strings, &s);
        if (is_linkers(name))
            continue;
        name = as_arena_str(arena, name);
        if (!name.data)
            return as_fail(err, AS_ENOMEM, "%s: no memory for its symbols", path);
        if (as_str_is(name, "assay_plugin_entry"))
            out->entry_size = s.st_size;
        out->names[out->n++] = name.data;
    }
    return 0;
}
