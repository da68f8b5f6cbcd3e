/* plugin_check.c -- `assay plugin check`: runs the tests of ABI.md 18 and prints a line for each.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/common.h"
#include "cli/plugin.h"
#include "plug/check.h"

#include <inttypes.h>

typedef struct check_opts {
    const char *config, *known, *plugin_path;
    uint64_t fuzz, seed, timeout_ms;
    bool json;
} check_opts;

static const as_opt options[] = {
    { .name = "config",
      .type = AS_OPT_TEXT,
      .value = "JSON",
      .offset = offsetof(check_opts, config),
      .help = "configuration to check it with (default: {}, or the first one among its known "
              "answers)" },
    { .name = "known",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .offset = offsetof(check_opts, known),
      .help = "known answers, JSONL (default: PLUGIN.check.jsonl beside the plugin)" },
    { .name = "fuzz",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(check_opts, fuzz),
      .help = "also N rounds of random items" },
    { .name = "seed",
      .type = AS_OPT_UINT,
      .value = "S",
      .initial = "1",
      .offset = offsetof(check_opts, seed),
      .help = "of the random items: the same seed, the same items" },
    { .name = "timeout-ms",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "20000",
      .offset = offsetof(check_opts, timeout_ms),
      .help = "longest time for one test" },
    AS_JSON_OPTION(check_opts, "one JSON object"),
    { .name = "plugin-path",
      .type = AS_OPT_TEXT,
      .value = "DIRS",
      .offset = offsetof(check_opts, plugin_path),
      .help = "folders searched first, separated by ':'" },
    { .name = NULL },
};

typedef struct tally {
    unsigned n[3];
    bool json;
    as_buf rows;
    int rc; /* of the output: a closed pipe ends the printing, not the checks */
} tally;

static const char *const words[] = {
    [AS_CHECK_OK] = "ok", [AS_CHECK_FAIL] = "FAIL", [AS_CHECK_SKIP] = "skip"
};

static void print_row(tally *t, const as_check_result *r)
{
    AS_CLEANUP(buf) as_buf row = { 0 };
    as_buf_init(&row, 1 << 16);
    as_buf_addf(&row, "%-4s  %-12s  ", words[r->state], r->name);
    for (const char *p = r->text; *p; p++) /* may quote the plugin's own words */
        as_buf_byte(&row, (char)((unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p));
    as_buf_byte(&row, '\n');
    if (t->rc == 0)
        t->rc = as_cli_out(as_buf_str(&row), NULL);
}

static void take(void *ctx, const as_check_result *r)
{
    tally *t = ctx;
    t->n[r->state]++;
    if (!t->json) {
        print_row(t, r);
        return;
    }
    if (t->rows.len)
        as_buf_text(&t->rows, ",\n");
    as_buf_byte(&t->rows, '{');
    as_buf_json_key(&t->rows, "name");
    as_buf_json_str(&t->rows, as_str_of(r->name));
    as_buf_json_key(&t->rows, "state");
    as_buf_json_str(&t->rows, as_str_of(r->state == AS_CHECK_FAIL ? "fail" : words[r->state]));
    as_buf_json_key(&t->rows, "text");
    as_buf_json_str(&t->rows, as_str_of(r->text));
    as_buf_addf(&t->rows, ",\"ms\":%.1f}", r->ms);
}

static int summarise(const tally *t, const as_found *found, const check_opts *o, as_err *err)
{
    AS_CLEANUP(buf) as_buf out = { 0 };
    unsigned ok = t->n[AS_CHECK_OK], failed = t->n[AS_CHECK_FAIL], skipped = t->n[AS_CHECK_SKIP];
    as_buf_init(&out, 8 << 20);
    if (t->json) {
        as_buf_text(&out, "{\"schema\":\"assay.plugin_check/1\",\"plugin\":");
        as_buf_json_str(&out, as_str_of(found->path ? found->path : found->verifier));
        as_buf_json_key(&out, "verifier");
        if (found->verifier)
            as_buf_json_str(&out, as_str_of(found->verifier));
        else
            as_buf_text(&out, "null");
        as_buf_addf(&out,
                    ",\"seed\":%" PRIu64 ",\"fuzz\":%" PRIu64
                    ",\"ok\":%s,\"passed\":%u,\"failed\":%u,\"skipped\":%u,"
                    "\"tests\":[\n",
                    o->seed, o->fuzz, failed ? "false" : "true", ok, failed, skipped);
        as_buf_add(&out, as_buf_str(&t->rows));
        as_buf_text(&out, "\n]}\n");
    } else {
        as_buf_addf(&out, "\n%u ok, %u failed, %u skipped", ok, failed, skipped);
        if (o->fuzz)
            as_buf_addf(&out, " (--fuzz %" PRIu64 " --seed %" PRIu64 ")", o->fuzz, o->seed);
        as_buf_byte(&out, '\n');
    }
    int rc = as_buf_check(&out, err);
    return rc < 0 ? rc : as_cli_out(as_buf_str(&out), err);
}

static int check_limits(const check_opts *o, as_err *err)
{
    if (o->fuzz > UINT32_MAX)
        return as_fail(err, AS_EUSAGE, "--fuzz %" PRIu64 ": at most %u rounds", o->fuzz,
                       UINT32_MAX);
    if (o->timeout_ms == 0 || o->timeout_ms > 86400000)
        return as_fail(err, AS_EUSAGE, "--timeout-ms %" PRIu64 ": from 1 to 86400000",
                       o->timeout_ms);
    return 0;
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    const check_opts *o = opts;
    if (operands->n != 1)
        return as_fail(err, AS_EUSAGE, "name one plugin (see `assay plugin list`)");
    as_registry_options where = { .plugin_path = o->plugin_path };
    AS_CLEANUP(registry) as_registry *registry = NULL;
    as_found found;
    tally t = { .json = o->json };
    int rc = check_limits(o, err);
    rc = rc < 0 ? rc : as_registry_open(&registry, &where, err);
    rc = rc < 0 ? rc : as_registry_find(registry, operands->at[0], &found, err);
    if (rc < 0)
        return rc;
    as_check_options options_of = { .config = o->config,
                                    .known = o->known,
                                    .fuzz_rounds = (unsigned)o->fuzz,
                                    .seed = o->seed,
                                    .timeout_ms = (unsigned)o->timeout_ms };
    as_buf_init(&t.rows, 4 << 20);
    int checked = as_check_run(&found, &options_of, take, &t, err);
    rc = checked < 0 && checked != AS_EGATE ? checked : summarise(&t, &found, o, err);
    as_buf_fini(&t.rows);
    return rc < 0 ? rc : checked;
}

const as_command as_cmd_plugin_check = {
    .name = "plugin check",
    .summary = "tests whether a plugin keeps the rules of the ABI",
    .operands = "PLUGIN",
    .options = options,
    .example = "assay plugin check ./mine.so --fuzz 1000 --seed 7",
    .details = "Each test runs in a process of its own, so a crash or a hang is a line like any "
               "other. Exit status 1 if any "
               "failed. Known answers are lines "
               "{\"completion\",\"verdict\",\"reference\"?,\"prompt\"?,\"meta\"?,\"group\"?,"
               "\"config\"?,\"score\"?,\"answer\"?,\"key\"?,\"rule\"?,\"why\"?}; neighbours of one "
               "group go in one batch.",
    .run = run,
    .opts_size = sizeof(check_opts),
};
