/* check_load.c -- tests of the file and of what loading it does to a process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "plug/check_env.h"
#include "plug/elf.h"
#include "plug/entry.h"

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOAD_MS_MAX = 100, MAX_FDS = 512, MAX_TAGS = 64 };

int as_test_symbols(as_checker *c)
{
    as_elf_exports x;
    as_err err = { 0 };
    if (as_elf_read_exports(&x, c->plugin->path, &c->arena, &err) < 0)
        return as_check_fail(c, "%s", err.text);
    for (uint32_t i = 0; i < x.n; i++)
        if (strcmp(x.names[i], "assay_plugin_entry") != 0)
            return as_check_fail(c,
                                 "exports \"%.80s\"%s besides assay_plugin_entry; compile with "
                                 "-fvisibility=hidden (a "
                                 "version script for code you link in)",
                                 x.names[i], x.n > 2 ? " and others" : "");
    if (x.n == 0)
        return as_check_fail(c, "does not export assay_plugin_entry; declare it ASSAY_EXPORT");
    if (x.entry_size < sizeof(assay_entry))
        return as_check_fail(c, "assay_plugin_entry is %llu bytes, not an assay_entry (%zu)",
                             (unsigned long long)x.entry_size, sizeof(assay_entry));
    return as_check_ok(c, "one exported symbol, assay_plugin_entry");
}

int as_test_load(as_checker *c)
{
    if (as_check_load(c) < 0)
        return -1;
    size_t n = 0;
    while (c->entry->verifiers[n])
        n++;
    if (n > 1 && !c->plugin->verifier)
        return as_check_ok(c, "ABI %u.%u, %zu verifiers; checking %s (PATH#NAME for another)",
                           c->entry->abi_major, c->entry->abi_minor, n, c->d->id);
    return as_check_ok(c, "ABI %u.%u, %s", c->entry->abi_major, c->entry->abi_minor, c->d->id);
}

/* ---- time ---- */

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* dlopen's own CPU time in a process where nothing of the plugin is there yet; < 0: it did not come
 * back. */
static double time_one_load(const char *path)
{
    int ends[2];
    double ms = -1;
    if (pipe(ends) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        double before = cpu_ms();
        void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        double spent = so ? cpu_ms() - before : -1;
        _exit(write(ends[1], &spent, sizeof(spent)) == (ssize_t)sizeof(spent) ? 0 : 1);
    }
    close(ends[1]);
    if (pid < 0 || read(ends[0], &ms, sizeof(ms)) != (ssize_t)sizeof(ms))
        ms = -1;
    close(ends[0]);
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    return ms;
}

int as_test_load_time(as_checker *c)
{
    double best = -1;
    for (int i = 0; i < 3; i++) {
        double ms = time_one_load(c->plugin->path);
        if (ms < 0)
            return as_check_fail(c, "loading it a second time failed");
        if (best < 0 || ms < best)
            best = ms;
    }
    if (best > LOAD_MS_MAX)
        return as_check_fail(
            c, "loading takes %.0f ms of CPU, at most %d are allowed; move the work into create()",
            best, LOAD_MS_MAX);
    return as_check_ok(c, "%.1f ms of CPU", best);
}

/* ---- traces in the process ---- */

typedef struct traces {
    unsigned n_threads, n_fds;
    int fds[MAX_FDS];
    uint64_t environment;
    struct sigaction actions[65];
    char *cwd;
    char locale[256];
} traces;

static unsigned count_entries(const char *folder, int *numbers, unsigned max)
{
    unsigned n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        unsigned long long number = 0;
        if (!as_str_u64(as_str_of(e->d_name), &number) || (numbers && (int)number == dirfd(d)))
            continue;
        if (numbers && n < max)
            numbers[n] = (int)number;
        n++;
    }
    if (d)
        closedir(d);
    return n;
}

static uint64_t hash_environment(void)
{
    uint64_t h = 0;
    for (char **e = environ; e && *e; e++)
        h = as_hash64(as_str_of(*e), h);
    return h;
}

static void take_traces(traces *t)
{
    memset(t, 0, sizeof(*t));
    t->n_threads = count_entries("/proc/self/task", NULL, 0);
    t->n_fds = count_entries("/proc/self/fd", t->fds, MAX_FDS);
    t->environment = hash_environment();
    for (int s = 1; s < 65; s++)
        (void)sigaction(s, NULL, &t->actions[s]);
    t->cwd = getcwd(NULL, 0);
    const char *locale = setlocale(LC_ALL, NULL); /* asks, changes nothing */
    snprintf(t->locale, sizeof(t->locale), "%s", locale ? locale : "");
}

static int new_fd(const traces *a, const traces *b)
{
    for (unsigned i = 0; i < b->n_fds && i < MAX_FDS; i++) {
        bool known = false;
        for (unsigned j = 0; !known && j < a->n_fds && j < MAX_FDS; j++)
            known = a->fds[j] == b->fds[i];
        if (!known)
            return b->fds[i];
    }
    return -1;
}

static void name_fd(int fd, char *out, size_t size)
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, size - 1);
    out[n > 0 ? n : 0] = 0;
}

/* What the host could not undo and other verifiers would feel. */
static int compare_state(as_checker *c, const traces *a, const traces *b, const char *when)
{
    if (a->environment != b->environment)
        return as_check_fail(c, "%s changes the environment; use the configuration instead", when);
    for (int s = 1; s < 65; s++)
        if (a->actions[s].sa_handler != b->actions[s].sa_handler)
            return as_check_fail(c,
                                 "%s installs a handler for signal %d (%s); signals are the host's",
                                 when, s, sigdescr_np(s) ? sigdescr_np(s) : "real-time");
    if (!a->cwd || !b->cwd || strcmp(a->cwd, b->cwd) != 0)
        return as_check_fail(c, "%s changes the current directory to %.200s", when,
                             b->cwd ? b->cwd : "(unknown)");
    if (strcmp(a->locale, b->locale) != 0)
        return as_check_fail(c,
                             "%s changes the locale to %.100s; use uselocale() in your own threads",
                             when, b->locale);
    return 0;
}

int as_test_side_effects(as_checker *c)
{
    traces before;
    traces after;
    char name[200];
    const assay_entry *e = NULL;
    as_err err = { 0 };
    take_traces(&before);
    if (as_entry_open(&e, c->plugin->path, &err) < 0)
        return as_check_fail(c, "%s", err.text);
    take_traces(&after);
    int fd = new_fd(&before, &after);
    if (after.n_threads > before.n_threads)
        return as_check_fail(
            c, "loading starts %u thread(s); start them in create() and join them in destroy()",
            after.n_threads - before.n_threads);
    if (fd >= 0) {
        name_fd(fd, name, sizeof(name));
        return as_check_fail(c, "loading opens a descriptor (%d: %s); open it in create()", fd,
                             name);
    }
    if (after.n_fds < before.n_fds)
        return as_check_fail(c, "loading closes a descriptor that is not its own");
    if (compare_state(c, &before, &after, "loading") < 0)
        return -1;
    return as_check_ok(
        c, "loading leaves threads, descriptors, environment, signals, directory and locale alone");
}

/* The same after a whole life of an instance; threads and descriptors are the leak test's matter.
 */
int as_test_state(as_checker *c)
{
    traces before;
    traces after;
    assay_verifier *v = NULL;
    as_outcome_of o;
    take_traces(&before);
    if (as_check_create(c, c->config, &v) < 0 ||
        as_check_score(c, v, c->items, ASSAY_WANT_ANSWER | ASSAY_WANT_EXPLAIN, &c->arena, &o) < 0)
        return -1;
    v->destroy(v);
    take_traces(&after);
    if (compare_state(c, &before, &after, "scoring") < 0)
        return -1;
    return as_check_ok(c, "scoring leaves environment, signals, directory and locale alone");
}

/* ---- descriptor ---- */

static bool is_id(const char *id)
{
    size_t n_dots = 0;
    char last = '.';
    for (const char *p = id; *p; p++) {
        if (*p == '.' && last == '.')
            return false;
        if (*p != '.' && !isalnum((unsigned char)*p) && *p != '-' && *p != '_')
            return false;
        n_dots += *p == '.';
        last = *p;
    }
    return n_dots > 0 && last != '.' && strlen(id) <= 128;
}

static bool is_line(const char *text)
{
    as_str s = as_str_of(text);
    return s.data && !as_str_is_blank(s) && s.len <= 300 && !memchr(s.data, '\n', s.len) &&
           as_utf8_valid(s) == s.len;
}

static const char *check_texts(const assay_descriptor *d)
{
    if (!is_id(d->id))
        return "id is not of the form \"org.example.name\" (letters, digits, - and _ between dots)";
    if (!is_line(d->name))
        return "name is not one line of text";
    if (!is_line(d->version))
        return "version is not one line of text";
    return is_line(d->summary) ? NULL : "summary is not one line of text";
}

static const char *check_tags(const assay_descriptor *d)
{
    for (size_t i = 0; d->tags && d->tags[i]; i++) {
        if (i == MAX_TAGS)
            return "tags does not end with NULL (64 at most)";
        if (!is_line(d->tags[i]))
            return "a tag is not one line of text";
    }
    return NULL;
}

int as_test_descriptor(as_checker *c)
{
    const assay_descriptor *d = c->d;
    const char *bad = check_texts(d);
    as_err err = { 0 };
    as_jspan schema;
    if (!bad)
        bad = check_tags(d);
    if (!bad && d->revision == 0)
        bad = "revision is 0; start at 1 and raise it whenever a score may change";
    if (!bad &&
        (!isfinite(d->score_min) || !isfinite(d->score_max) || d->score_min >= d->score_max))
        bad = "score_min is not below score_max";
    if (bad)
        return as_check_fail(c, "%.100s: %s", d->id, bad);
    if (d->config_schema && (as_json_scan(as_str_of(d->config_schema), &schema, &err) < 0 ||
                             schema.kind != AS_J_OBJECT))
        return as_check_fail(c, "%.100s: config_schema is not a JSON object: %s", d->id, err.text);
    return as_check_ok(c, "%s %s, revision %u, scores %g..%g", d->id, d->version,
                       (unsigned)d->revision, (double)d->score_min, (double)d->score_max);
}
