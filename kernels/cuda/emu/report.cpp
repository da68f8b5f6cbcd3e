/* report.cpp -- findings: counted by kind, once for each place in the source, printed with file and
 * line.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core.h"
#include <cstdarg>
#include <cstdio>
#include <fcntl.h>
#include <mutex>
#include <set>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace
{
struct Findings {
    std::mutex lock;
    std::set<std::pair<int, emu::Address>> seen;
    int counts[EMU_N_KINDS] = {};
    char first[800] = "";
    const char *kernel = "";
};

Findings &findings()
{
    static Findings f;
    return f;
}

/* The first line that `addr2line -se image offset` prints (binutils), or "". */
void ask_addr2line(const char *image, size_t offset, char *out, size_t size)
{
    out[0] = '\0';
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    char number[32];
    snprintf(number, sizeof number, "0x%zx", offset);
    char name[] = "addr2line";
    char flags[] = "-se";
    char path[256];
    snprintf(path, sizeof path, "%s", image);
    char *argv[] = { name, flags, path, number, nullptr };
    pid_t pid = 0;
    const int rc = posix_spawnp(&pid, name, &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (rc == 0) {
        const ssize_t n = read(ends[0], out, size - 1); /* one short line: one read */
        out[n > 0 ? n : 0] = '\0';
        out[strcspn(out, " \n")] = '\0';
        waitpid(pid, nullptr, 0);
    }
    close(ends[0]);
}
} /* namespace */

emu_settings emu_set = { 1, 0, 0, 1, 1, 1, 1, 4000000000U };

const char *emu_kind_name(emu_kind kind)
{
    static const char *const names[EMU_N_KINDS] = { "RACE",  "UNINIT", "OOB",   "DIVERGE", "WARP",
                                                    "ASYNC", "HOST",   "ALIGN", "LAUNCH",  "HANG" };
    return names[kind];
}

int emu_count(emu_kind kind)
{
    return findings().counts[kind];
}

int emu_take(char *first, size_t size)
{
    Findings &f = findings();
    if (size > 0)
        snprintf(first, size, "%s", f.first);
    int n = 0;
    for (int &count : f.counts) {
        n += count;
        count = 0;
    }
    f.first[0] = '\0';
    f.seen.clear();
    return n;
}

namespace emu
{
void set_kernel(const char *name)
{
    findings().kernel = name;
}

bool is_reported(emu_kind kind, Address at)
{
    Findings &f = findings();
    const std::lock_guard<std::mutex> guard(f.lock);
    return f.seen.count({ kind, at }) > 0;
}

void source_line(Address at, char *out, size_t size)
{
    /* a position-independent image counts from where it was loaded; the address returned to is one
     * past the access */
    const auto *image = reinterpret_cast<const unsigned char *>(__executable_start);
    const bool is_pie = image[16] == 3; /* e_type is ET_DYN */
    const size_t offset = at - 1 - (is_pie ? reinterpret_cast<Address>(image) : 0);
    char path[256];
    char line[256];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    snprintf(out, size, "image+0x%zx", offset);
    if (n <= 0)
        return;
    path[n] = '\0';
    ask_addr2line(path, offset, line, sizeof line);
    if (line[0] != '\0' && line[0] != '?')
        snprintf(out, size, "%s", line);
}

/* NOLINTNEXTLINE(cert-dcl50-cpp): as printf */
void report(emu_kind kind, Address at, const char *fmt, ...)
{
    Findings &f = findings();
    const std::lock_guard<std::mutex> guard(f.lock);
    if (!f.seen.insert({ kind, at }).second)
        return;
    f.counts[kind]++;
    char text[256];
    char place[256];
    char line[800];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (at > 100000)
        source_line(at, place, sizeof place);
    else
        snprintf(place, sizeof place, "line %zu", static_cast<size_t>(at));
    const uint3 block = emu_block_index_w;
    const int tid = here && here->now ? here->now->tid : -1;
    snprintf(line, sizeof line, "emu: %s in %s: %s %s (block %u,%u thread %d)", emu_kind_name(kind),
             f.kernel, text, place, block.x, block.y, tid);
    if (f.first[0] == '\0')
        snprintf(f.first, sizeof f.first, "%s", line);
    if (emu_set.is_printing)
        fprintf(stderr, "%s\n", line);
}
} /* namespace emu */
