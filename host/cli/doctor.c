/* doctor.c -- `assay doctor`: what works on this machine, each thing tried rather than guessed,
 * with the cure. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/common.h"
#include "cli/device.h"
#include "cli/help.h"
#include "cli/sandbox.h"
#include "jobs/pipeline.h"

#include <assay/assay.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

typedef struct doctor_opts {
    bool json;
    const char *plugin_path;
} doctor_opts;

static const as_opt options[] = {
    AS_JSON_OPTION(doctor_opts, "one JSON object on stdout"),
    { .name = "plugin-path",
      .type = AS_OPT_TEXT,
      .value = "DIRS",
      .offset = offsetof(doctor_opts, plugin_path),
      .help = "folders searched first, separated by ':'" },
    { .name = NULL },
};

typedef enum state { OK, DEGRADED, OFF, FAIL } state;
static const char *const state_words[] = { "ok", "degraded", "off", "fail" };

typedef struct doctor {
    as_buf out;
    bool json, colour, first;
    unsigned counts[4];
} doctor;

/* One line; `cure` NULL where there is nothing to do. */
static void tell(doctor *d, state s, const char *what, const char *cure, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static void tell(doctor *d, state s, const char *what, const char *cure, const char *format, ...)
{
    static const char *const colours[] = { "\033[32m", "\033[33m", "\033[2m", "\033[31m" };
    char detail[700];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    d->counts[s]++;
    if (d->json) {
        as_buf_text(&d->out, d->first ? "{" : ",{");
        const char *const pairs[][2] = {
            { "state", state_words[s] }, { "what", what }, { "detail", detail }, { "cure", cure }
        };
        for (size_t i = 0; i < 4 && pairs[i][1]; i++) {
            as_buf_json_key(&d->out, pairs[i][0]);
            as_buf_json_str(&d->out, as_str_of(pairs[i][1]));
        }
        as_buf_byte(&d->out, '}');
    } else {
        as_buf_addf(&d->out, "%s%-8s%s  %-22s %s\n", d->colour ? colours[s] : "", state_words[s],
                    d->colour ? "\033[0m" : "", what, detail);
        if (cure)
            as_buf_addf(&d->out, "%34s-> %s\n", "", cure);
    }
    d->first = false;
}

/* ---- this program and this machine ---- */

static void look_at_program(doctor *d)
{
    AS_CLEANUP(free) char *folder = as_path_self_dir();
    tell(d, OK, "assay", NULL, "%s, plugin ABI %u.%u, in %s", ASSAY_VERSION, ASSAY_ABI_MAJOR,
         ASSAY_ABI_MINOR, folder ? folder : "?");
    AS_CLEANUP(buf) as_buf libs = { 0 };
    as_buf_init(&libs, 4096);
    const char *name = NULL;
    char version[32];
    for (size_t i = 0; as_version_library(i, &name, version); i++)
        as_buf_addf(&libs, "%s%s %s", i > 0 ? ", " : "", name, version);
    tell(d, OK, "libraries", NULL, "%s", libs.data ? libs.data : "");
}

/* What programs can still get, caches included; `otherwise` where the kernel does not say. */
static uint64_t memory_available(uint64_t otherwise)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 16);
    unsigned long long kib = 0;
    static const char key[] = "\nMemAvailable:";
    const char *at =
        as_file_read("/proc/meminfo", &text, NULL) == 0 ? strstr(text.data, key) : NULL;
    if (!at)
        return otherwise;
    at += sizeof key - 1;
    at += strspn(at, " ");
    return as_str_u64((as_str){ at, strcspn(at, " ") }, &kib) ? kib * 1024 : otherwise;
}

static void look_at_processor(doctor *d)
{
    const long all = sysconf(_SC_NPROCESSORS_ONLN);
    k_device *dev = NULL;
    as_err err = { 0 };
    if (as_cli_device_open(&dev, "cpu", 1, false, &err) < 0)
        tell(d, DEGRADED, "cpu", "unset ASSAY_CPU_LEVEL", "%u of %ld cores usable; %s",
             as_cpu_count(), all, err.text);
    else
        tell(d, OK, "cpu", NULL, "%u of %ld cores usable; models are computed by level %s",
             as_cpu_count(), all, dev->ops->level);
    k_device_close(dev);
}

static void look_at_machine(doctor *d)
{
    struct utsname kernel = { 0 };
    (void)uname(&kernel);
    tell(d, OK, "kernel", NULL, "%s %s, %s", kernel.sysname, kernel.release, kernel.machine);
    look_at_processor(d);
    struct sysinfo info = { 0 };
    (void)sysinfo(&info);
    uint64_t unit = info.mem_unit;
    uint64_t memory = info.totalram * unit;
    uint64_t left = memory_available((info.freeram + info.bufferram) * unit);
    char a[AS_TEXT_MAX];
    char b[AS_TEXT_MAX];
    tell(d, memory < (uint64_t)1 << 30 ? DEGRADED : OK, "memory",
         memory < (uint64_t)1 << 30 ? "use --threads 1 and small batches" : NULL,
         "%s, %s available", as_text_bytes(a, memory), as_text_bytes(b, left));
}

static void look_at_clock(doctor *d)
{
    struct timespec step = { 0 };
    (void)clock_getres(CLOCK_MONOTONIC, &step);
    enum { CALLS = 1000 };
    int64_t start = as_now_ns();
    for (int i = 0; i < CALLS; i++)
        (void)as_now_ns();
    int64_t cost = (as_now_ns() - start) / CALLS;
    bool coarse = step.tv_sec > 0 || step.tv_nsec > 1000000;
    tell(d, coarse || cost > 1000 ? DEGRADED : OK, "clock",
         coarse || cost > 1000 ? "times per item are rough; choose the clocksource tsc or kvm-clock"
                               : NULL,
         "resolution %ld ns, %" PRId64 " ns a call", step.tv_nsec, cost);
}

static void look_at_limits(doctor *d)
{
    struct rlimit files = { 0 };
    (void)getrlimit(RLIMIT_NOFILE, &files);
    bool few = files.rlim_cur < 256;
    tell(d, few ? DEGRADED : OK, "open files", few ? "ulimit -n 4096" : NULL, "ulimit -n %llu",
         (unsigned long long)files.rlim_cur);
    struct statvfs disk = { 0 };
    char text[AS_TEXT_MAX];
    if (statvfs(".", &disk) != 0) {
        tell(d, DEGRADED, "disk", "change to a folder that exists", "the current folder: %s",
             strerror(errno));
        return;
    }
    uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
    bool full = left < (uint64_t)1 << 30;
    tell(d, full ? DEGRADED : OK, "disk", full ? "free some space before a long run" : NULL,
         "%s free in the current folder", as_text_bytes(text, left));
}

/* ---- plugins ---- */

static void tell_plugin(doctor *d, const as_listed *p)
{
    const char *name = strrchr(p->path, '/') ? strrchr(p->path, '/') + 1 : p->path;
    if (p->problem) {
        tell(d, FAIL, "plugin", "rebuild it, or take it out of the folder", "%s: %s", p->path,
             p->problem);
        return;
    }
    for (uint32_t i = 0; i < p->n_infos; i++) {
        const as_verifier_info *v = &p->infos[i];
        tell(d, p->shadowed ? OFF : OK, "plugin", NULL,
             "%s: %s %s, ABI %" PRIu32 ".%" PRIu32 ", %s%s", name, as_info_short_name(v),
             v->version, v->abi_major, v->abi_minor,
             p->ours ? "ours: in process" : "runs in a worker",
             p->shadowed ? ", hidden by a file of the same name in an earlier folder" : "");
    }
}

static bool holds(const as_listed *list, size_t n, const char *verifier, bool *ours)
{
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; !list[i].problem && k < list[i].n_infos; k++)
            if (strcmp(as_info_short_name(&list[i].infos[k]), verifier) == 0) {
                *ours = list[i].ours;
                return true;
            }
    return false;
}

static void look_for_own(doctor *d, const as_listed *list, size_t n)
{
    static const char *const own[] = { "exact",    "format", "choice", "compose",
                                       "majority", "math",   "rm" };
    AS_CLEANUP(buf) as_buf missing = { 0 };
    AS_CLEANUP(buf) as_buf strange = { 0 };
    as_buf_init(&missing, 4096);
    as_buf_init(&strange, 4096);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        bool ours = false;
        if (!holds(list, n, own[i], &ours))
            as_buf_addf(&missing, " %s", own[i]);
        else if (!ours)
            as_buf_addf(&strange, " %s", own[i]);
    }
    if (missing.len)
        tell(d, DEGRADED, "verifiers", "build or install them: cmake --build, or cmake --install",
             "not found:%s", missing.data);
    AS_CLEANUP(free) char *folder = as_path_plugin_dir();
    AS_CLEANUP(free) char *sums = folder ? as_path_join(folder, "OURS.sha256") : NULL;
    if (!sums || !as_path_exists(sums))
        tell(d, DEGRADED, "OURS.sha256",
             "build the target \"ours\": without it our own verifiers run in workers too",
             "%s is missing", sums ? sums : "the plugin folder");
    else if (strange.len)
        tell(d, DEGRADED, "OURS.sha256",
             "they run in workers; if that is not meant, build them and the list again",
             "not the files that were listed:%s", strange.data);
    else
        tell(d, OK, "OURS.sha256", NULL, "%s names what may run in process", sums);
    bool ours = false;
    bool math = holds(list, n, "math", &ours);
    tell(d, math ? OK : OFF, "FLINT",
         math ? NULL : "install libflint-dev and build the math verifier",
         math ? "exact arithmetic, inside the math verifier" : "no math verifier");
}

static void look_at_plugins(doctor *d, as_registry *registry)
{
    const as_listed *list = NULL;
    size_t n = 0;
    as_err err = { 0 };
    if (as_registry_list(registry, &list, &n, &err) < 0) {
        tell(d, FAIL, "plugins", "check the folders of --plugin-path and ASSAY_PLUGIN_PATH", "%s",
             err.text);
        return;
    }
    for (size_t i = 0; i < n; i++)
        tell_plugin(d, &list[i]);
    look_for_own(d, list, n);
}

static int score_one(as_scorer *scorer, as_err *err)
{
    as_item item = { .id = AS_LIT("1"),
                     .completion = AS_LIT("42"),
                     .reference = AS_LIT("42"),
                     .has_completion = true };
    as_arena arena;
    as_items columns = { 0 };
    as_results results = { 0 };
    as_arena_init(&arena, 0);
    int rc = as_items_build(&columns, &item, 1, 0, &arena, err);
    if (rc == 0)
        rc = as_scorer_score(scorer, &columns, 0, &arena, &results, err);
    if (rc == 0 && results.verdict[0] != ASSAY_PASS) {
        as_str reason = as_results_get(&results, 0, ASSAY_OUT_REASON);
        rc = as_fail(err, AS_EPLUGIN, "42 compared with 42 gave \"%s\": %.*s",
                     as_verdict_word(results.verdict[0]),
                     (int)(reason.len < 200 ? reason.len : 200), reason.data ? reason.data : "");
    }
    as_arena_fini(&arena);
    return rc;
}

/* A worker is really started, and judges one item. */
static void look_at_worker(doctor *d, as_registry *registry)
{
    as_err err = { 0 };
    as_scorer *scorer = NULL;
    as_scorer_options how = { .isolation = AS_ISOLATION_WORKER,
                              .threads = 1,
                              .timeout_ms = 5000,
                              .cancel = as_cli_cancel() };
    int64_t start = as_now_ns();
    int rc = as_scorer_open(&scorer, registry, "exact", &how, &err);
    int64_t opened = as_now_ns();
    if (rc == 0)
        rc = score_one(scorer, &err);
    int64_t done = as_now_ns();
    as_scorer_close(scorer);
    char a[AS_TEXT_MAX];
    char b[AS_TEXT_MAX];
    if (rc < 0)
        tell(d, FAIL, "worker", "is assay-worker installed, and executable where it is?", "%s",
             err.text);
    else
        tell(d, OK, "worker", NULL, "started in %s, judged one item in %s",
             as_text_seconds(a, (double)(opened - start) / 1e9),
             as_text_seconds(b, (double)(done - opened) / 1e9));
}

static void look_at_verifiers(doctor *d, const char *plugin_path)
{
    as_registry *registry = NULL;
    as_registry_options where = { .plugin_path = plugin_path };
    as_err err = { 0 };
    if (as_registry_open(&registry, &where, &err) < 0) {
        tell(d, FAIL, "plugins", "check --plugin-path and ASSAY_PLUGIN_PATH", "%s", err.text);
        return;
    }
    look_at_plugins(d, registry);
    look_at_worker(d, registry);
    as_registry_close(registry);
}

/* ---- folders and other programs ---- */

static void look_at_cache(doctor *d)
{
    as_err err = { 0 };
    const char *cure =
        "set XDG_CACHE_HOME to a folder that can be written; runs work without, only slower";
    AS_CLEANUP(free) char *folder = as_path_cache_dir(&err);
    AS_CLEANUP(free) char *file = folder ? as_path_join(folder, ".doctor") : NULL;
    if (!file) {
        tell(d, DEGRADED, "cache", cure, "%s", err.text);
        return;
    }
    AS_CLEANUP(close) int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool works = fd >= 0 && write(fd, "x", 1) == 1;
    const char *why = works ? "" : strerror(errno);
    (void)unlink(file);
    if (works)
        tell(d, OK, "cache", NULL, "%s can be written", folder);
    else
        tell(d, DEGRADED, "cache", cure, "%s: %s", folder, why);
}

static void look_for_programs(doctor *d)
{
    static const struct {
        const char *name, *cure, *use;
    } wanted[] = { { "python3", "apt-get install python3", "to verify code" },
                   { "cc", "apt-get install gcc", "to verify code" },
                   { "c++", "apt-get install g++", "to verify code" },
                   { "gnuplot", "apt-get install gnuplot-nox", "by assay report" } };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        AS_CLEANUP(free) char *file = as_path_program(wanted[i].name);
        if (file)
            tell(d, OK, wanted[i].name, NULL, "%s", file);
        else
            tell(d, OFF, wanted[i].name, wanted[i].cure, "not found in PATH; only needed %s",
                 wanted[i].use);
    }
}

/* The device is really opened. */
static void look_at_gpu(doctor *d)
{
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX];
    k_device *dev = NULL;
    as_err err = { 0 };
    if (as_cli_device_open(&dev, "cuda", 0, false, &err) < 0) {
        tell(d, OFF, "cuda", "only needed for --device cuda, and where there is a GPU", "%s",
             err.text);
        return;
    }
    const as_cli_room room = as_cli_room_on(dev, 0);
    k_device_close(dev);
    tell(d, OK, "cuda", NULL, "--device cuda works; its memory %s, %s unused",
         as_text_bytes(a, room.all), as_text_bytes(b, room.unused));
}

/* Each layer is really tried (sandbox/check.c); a machine without them can do all but run code. */
static void look_at_sandbox(doctor *d)
{
    static const state states[] = {
        [ASBX_LAYER_OFF] = OFF, [ASBX_LAYER_DEGRADED] = DEGRADED, [ASBX_LAYER_ON] = OK
    };
    asbx_layer all[ASBX_LAYERS];
    const char *level = "none";
    uint32_t n = asbx_check(all, &level);
    bool runs = as_sandbox_level_holds(level, "medium");
    tell(d, runs ? OK : OFF, "sandbox",
         runs ? NULL : "the lines below say what is missing; only needed to verify code",
         "level %s: %s", level,
         runs ? "programs of others can be run" : "no program of others is run here");
    for (uint32_t i = 0; i < n; i++)
        tell(d, states[all[i].state], all[i].name, all[i].cure[0] ? all[i].cure : NULL, "%s",
             all[i].found);
}

/* ---- the command ---- */

static void look_at_all(doctor *d, const doctor_opts *o)
{
    look_at_program(d);
    look_at_machine(d);
    look_at_clock(d);
    look_at_limits(d);
    look_at_cache(d);
    look_at_verifiers(d, o->plugin_path);
    look_for_programs(d);
    look_at_gpu(d);
    look_at_sandbox(d);
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const doctor_opts *o = opts;
    doctor d = { .json = o->json,
                 .first = true,
                 .colour = !o->json && as_cli_color(STDOUT_FILENO) };
    as_buf_init(&d.out, 1 << 22);
    if (d.json)
        as_buf_text(&d.out, "{\"schema\":\"assay.doctor/1\",\"checks\":[");
    look_at_all(&d, o);
    if (d.json)
        as_buf_addf(&d.out, "],\"ok\":%u,\"degraded\":%u,\"off\":%u,\"fail\":%u}\n", d.counts[OK],
                    d.counts[DEGRADED], d.counts[OFF], d.counts[FAIL]);
    else
        as_buf_addf(&d.out, "\n%u ok, %u degraded, %u off, %u failed\n", d.counts[OK],
                    d.counts[DEGRADED], d.counts[OFF], d.counts[FAIL]);
    int rc = as_buf_check(&d.out, err);
    if (rc == 0)
        rc = as_cli_out(as_buf_str(&d.out), err);
    as_buf_fini(&d.out);
    if (rc == 0 && d.counts[FAIL] > 0)
        return as_fail(err, AS_EGATE,
                       "%u thing%s does not work; the lines marked \"fail\" say what to do",
                       d.counts[FAIL], d.counts[FAIL] == 1 ? "" : "s");
    return rc;
}

const as_command as_cmd_doctor = {
    .name = "doctor",
    .summary = "shows what works on this machine, line by line, with the cure",
    .options = options,
    .details = "States: ok; degraded (works, with a loss that is named); off (not there, and not "
               "needed for most things); fail. "
               "Exit code 1 when something fails. A worker process is really started, and judges "
               "one item.",
    .example = "assay doctor",
    .run = run,
    .opts_size = sizeof(doctor_opts),
};
