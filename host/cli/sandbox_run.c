/* sandbox_run.c -- `assay sandbox run`: one untrusted program, one line of JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "cli/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

typedef struct run_opts {
    const char *lang, *policy, *prelude, *input, *require;
    uint64_t cpu_ms, wall_ms, mem_mib, out_kib, pids;
} run_opts;

static const as_opt options[] = {
    { .name = "lang",
      .type = AS_OPT_TEXT,
      .value = "LANG",
      .offset = offsetof(run_opts, lang),
      .help = "its language: python, c, c++, or one of your own (default: by the name's ending, "
              "else python)" },
    { .name = "policy",
      .type = AS_OPT_CHOICE,
      .value = "POLICY",
      .choices = "pure|threads|compile|files",
      .offset = offsetof(run_opts, policy),
      .help = "what it may do (default: pure; with an interpreter of your own: files)" },
    { .name = "cpu-ms",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(run_opts, cpu_ms),
      .help = "processor time (0: the policy's; so for the other limits)" },
    { .name = "wall-ms",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(run_opts, wall_ms),
      .help = "time on the clock" },
    { .name = "mem-mib",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(run_opts, mem_mib),
      .help = "memory" },
    { .name = "out-kib",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(run_opts, out_kib),
      .help = "of its standard output, and of its standard error" },
    { .name = "pids",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(run_opts, pids),
      .help = "processes and threads" },
    { .name = "stdin",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .offset = offsetof(run_opts, input),
      .help = "what it reads (default: nothing)" },
    { .name = "prelude",
      .type = AS_OPT_TEXT,
      .value = "MODULES",
      .offset = offsetof(run_opts, prelude),
      .help = "modules imported beforehand, separated by ',' (default: a usual dozen)" },
    AS_SANDBOX_REQUIRE(run_opts, require),
    { .name = NULL },
};

/* ---- in ---- */

static int set_limit(uint32_t *out, const char *name, uint64_t value, as_err *err)
{
    if (value > UINT32_MAX)
        return as_fail(err, AS_EUSAGE, "--%s: more than a limit can be (at most %u)", name,
                       UINT32_MAX);
    *out = (uint32_t)value;
    return 0;
}

static int set_limits(asbx_limits *out, const run_opts *o, as_err *err)
{
    int rc = set_limit(&out->cpu_ms, "cpu-ms", o->cpu_ms, err);
    if (rc == 0)
        rc = set_limit(&out->wall_ms, "wall-ms", o->wall_ms, err);
    if (rc == 0)
        rc = set_limit(&out->mem_mib, "mem-mib", o->mem_mib, err);
    if (rc == 0)
        rc = set_limit(&out->out_kib, "out-kib", o->out_kib, err);
    return rc == 0 ? set_limit(&out->procs, "pids", o->pids, err) : rc;
}

static const char *const builtin[] = { "python", "c", "cpp", "c++" };

/* The library's word for it. */
static int name_language(const char *asked, const as_languages *l, const char **out, as_err *err)
{
    AS_CLEANUP(buf) as_buf known = { 0 };
    *out = strcmp(asked, "c++") == 0 ? "cpp" : asked;
    as_buf_init(&known, 8192);
    for (size_t i = 0; i < sizeof builtin / sizeof *builtin; i++) {
        if (strcmp(asked, builtin[i]) == 0)
            return 0;
        if (strcmp(builtin[i], "cpp") != 0)
            as_buf_addf(&known, "%s%s", known.len ? ", " : "", builtin[i]);
    }
    for (uint32_t i = 0; i < l->n; i++) {
        if (strcmp(asked, l->list[i].name) == 0)
            return 0;
        as_buf_addf(&known, ", %s", l->list[i].name);
    }
    return as_fail(err, AS_EUSAGE,
                   "--lang %.60s: no such language (known: %s); others are described in folders of "
                   "ASSAY_LANGUAGES",
                   asked, known.data ? known.data : "");
}

static const char *ending(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot : "";
}

static const char *language_by_name(const char *file, const as_languages *l)
{
    static const char *const endings[][2] = {
        { ".c", "c" }, { ".cc", "cpp" }, { ".cpp", "cpp" }, { ".cxx", "cpp" }, { ".py", "python" }
    };
    const char *end = ending(file);
    for (uint32_t i = 0; i < l->n && *end; i++)
        if (strcmp(end, ending(l->list[i].file)) == 0)
            return l->list[i].name;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strcmp(end, endings[i][0]) == 0)
            return endings[i][1];
    return "python";
}

static int read_stdin(as_buf *out, as_err *err)
{
    for (;;) {
        if (!as_buf_reserve(out, 1 << 16))
            return as_fail(err, AS_EDATA, "stdin: more than %zu bytes", out->max);
        ssize_t n = read(STDIN_FILENO, out->data + out->len, 1 << 16);
        if (n < 0 && errno == EINTR && as_cancel_why(as_cli_cancel()) == 0)
            continue;
        if (n < 0)
            return as_fail_errno(err, "stdin");
        if (n == 0)
            return 0;
        out->len += (size_t)n;
    }
}

static int read_text(const char *path, as_buf *out, asbx_text *text, as_err *err)
{
    int rc = strcmp(path, "-") == 0 ? read_stdin(out, err) : as_file_read(path, out, err);
    *text = (asbx_text){ out->data ? out->data : "", out->len };
    return rc;
}

/* ---- out ---- */

static void add_text(as_buf *b, const char *key, asbx_text t)
{
    as_buf_json_key(b, key);
    as_buf_json_str(b, (as_str){ t.data ? t.data : "", t.len });
}

static void add_result(as_buf *b, const asbx_result *r)
{
    as_buf_byte(b, '{');
    as_buf_json_key(b, "status");
    as_buf_json_str(b, as_str_of(asbx_status_word(r->status)));
    as_buf_addf(b, ",\"exit_code\":%d,\"signal\":%d,\"cpu_ms\":%.3f,\"wall_ms\":%.3f",
                (int)r->exit_code, (int)r->signal, (double)r->cpu_us / 1e3,
                (double)r->wall_us / 1e3);
    as_buf_json_key(b, "peak_kib");
    as_buf_u64(b, r->peak_kib);
    add_text(b, "stdout", r->output);
    add_text(b, "stderr", r->errors);
    if (r->status == ASBX_VIOLATION) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", (int)r->denied_syscall);
        as_buf_json_key(b, "denied");
        as_buf_json_str(b, as_str_of(r->denied_name[0] ? r->denied_name : number));
    }
    as_buf_text(b, "}\n");
}

static int show(const asbx_result *r, as_err *err)
{
    AS_CLEANUP(buf) as_buf line = { 0 };
    as_buf_init(&line, (size_t)1 << 30);
    add_result(&line, r);
    int rc = as_buf_check(&line, err);
    if (rc == 0)
        rc = as_cli_out(as_buf_str(&line), err);
    if (rc == 0 && r->status == ASBX_ERROR)
        return as_fail(err, AS_ESANDBOX, "%s", r->note[0] ? r->note : "the sandbox failed");
    if (rc == 0 && r->note[0])
        as_cli_say("%s", r->note);
    return rc;
}

/* ---- the command ---- */

int as_sandbox_open(asbx **out, const char *require, uint32_t slots, const as_languages *languages,
                    as_err *err)
{
    const asbx_options options_of = { .slots = slots,
                                      .require = require,
                                      .languages = languages ? languages->list : NULL,
                                      .n_languages = languages ? languages->n : 0 };
    asbx_error why = { "out of memory" };
    *out = asbx_open(&options_of, &why);
    return *out ? 0 : as_fail(err, AS_ESANDBOX, "%s", why.text);
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    enum { MOST_SOURCE = 64 << 20 };
    const run_opts *o = opts;
    AS_CLEANUP(buf) as_buf source = { 0 };
    AS_CLEANUP(buf) as_buf input = { 0 };
    AS_CLEANUP(languages) as_languages languages = { 0 };
    AS_CLEANUP(sandbox) asbx *sandbox = NULL;
    asbx_job job = { .policy = o->policy, .prelude = o->prelude };
    as_buf_init(&source, MOST_SOURCE);
    as_buf_init(&input, (size_t)1 << 30);
    if (operands->n != 1)
        return as_fail(err, AS_EUSAGE, "one program is run at a time: assay %s FILE (\"-\": stdin)",
                       self->name);
    int rc = as_languages_load(&languages, err);
    job.language = rc == 0 ? language_by_name(operands->at[0], &languages) : NULL;
    if (rc == 0 && o->lang)
        rc = name_language(o->lang, &languages, &job.language, err);
    if (rc == 0)
        rc = set_limits(&job.limits, o, err);
    if (rc == 0)
        rc = read_text(operands->at[0], &source, &job.source, err);
    if (rc == 0 && o->input)
        rc = read_text(o->input, &input, &job.input, err);
    if (rc == 0)
        rc = as_sandbox_open(&sandbox, o->require, 1, &languages, err);
    if (rc < 0)
        return rc;
    asbx_result *r = asbx_run(sandbox, &job);
    rc = r ? show(r, err) : as_fail(err, AS_ENOMEM, "out of memory");
    asbx_result_free(r);
    return rc;
}

const as_command as_cmd_sandbox_run = {
    .name = "sandbox run",
    .summary = "runs one untrusted program and says what became of it",
    .operands = "FILE",
    .options = options,
    .details =
        "Prints one line: {\"status\",\"exit_code\",\"signal\",\"cpu_ms\",\"wall_ms\",\"peak_kib\","
        "\"stdout\",\"stderr\",\"denied\"?}. status is one of ok, runtime_error, compile_error, "
        "tle_cpu, tle_wall, mle, ole, pids_limit, sandbox_violation (denied names the system "
        "call), no_result, sandbox_error. Bytes that are not UTF-8 become U+FFFD.\n"
        "Policies: pure computes, with one thread and no writable path; threads may have threads; "
        "files has a private disk on /tmp; compile may start programs too. Limits are cut to what "
        "the policy allows at most.\n"
        "A language of your own is a file NAME.json in a folder of ASSAY_LANGUAGES: "
        "{\"name\":\"perl\",\"file\":\"main.pl\",\"run\":[\"/usr/bin/perl\",\"main.pl\"]}; with "
        "\"compile\" a command that leaves a.out, which is the program where there is no \"run\".\n"
        "The exit code is 0 whatever became of the program, and 4 "
        "where the sandbox itself failed.",
    .example = "echo 'print(2 + 2)' | assay sandbox run -",
    .run = run,
    .opts_size = sizeof(run_opts),
};
