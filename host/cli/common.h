/* common.h -- what the commands share: the cancel that signals set, messages, progress, numbers for people, and the
 * options and opening of a verifier. The one room that prints.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_COMMON_H
#define AS_CLI_COMMON_H
#include "base/buf.h"
#include "cli/options.h"
#include "data/run_record.h"
#include "jobs/cancel.h"
#include "plug/scorer.h"
#include "train/pace.h"

/* ---- process ---- */
void as_cli_start(void);        /* main calls it once: signals, log sink, SIGPIPE ignored */
as_cancel *as_cli_cancel(void); /* SIGINT and SIGTERM set it; a second one ends the process at once */
/* The words this process was started with, quoted for a shell, without --force and with `extra` unless already there:
 * "the same line with --resume". */
void as_cli_line(as_buf *out, const char *extra);
void as_cli_set_line(int argc, char **argv); /* main */
const char *as_cli_state(int rc); /* of a run that ended with it, for its record: "done", "interrupted", "failed" */
void as_cli_say_resume(void); /* "to go on: " and that line, for who was interrupted */

/* ---- output ---- */
int as_cli_out(as_str bytes, as_err *err); /* to stdout, all of it; AS_EBUDGET when the disk is full */
/* A line on stderr, for people; a progress bar is taken away first. No newline at the end of the text. */
void as_cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool as_cli_color(int fd);      /* a terminal, NO_COLOR unset; or CLICOLOR_FORCE */

/* ---- numbers for people; each returns `out` ---- */
enum { AS_TEXT_MAX = 40 };
const char *as_text_count(char out[AS_TEXT_MAX], uint64_t n);    /* 1,234,567 */
const char *as_text_share(char out[AS_TEXT_MAX], uint64_t part, uint64_t whole); /* 12.3 %; "-" of nothing */
const char *as_text_seconds(char out[AS_TEXT_MAX], double s);    /* 12 ms, 3.4 s, 2 min 5 s, 3 h 20 min */
const char *as_text_bytes(char out[AS_TEXT_MAX], uint64_t n);    /* 12.4 MiB */

enum { AS_TEXT_PACE_MAX = 200 };
/* see as_progress_pace; `says` stands in place of the loss; NULL: the loss */
const char *as_text_pace(char out[AS_TEXT_PACE_MAX], const as_pace_now *now, const char *says);

/* ---- progress on stderr ---- */
typedef struct as_progress as_progress;
/* mode "auto|bar|plain|none": auto is a bar on a terminal and otherwise a plain line every ten seconds. */
int as_progress_new(as_progress **out, const char *mode, const char *label, as_err *err);
/* [any] one at a time. part/whole: for the share and the time left, e.g. bytes; whole 0: unknown. Cheap. */
void as_progress_at(as_progress *p, uint64_t items, unsigned long long part, unsigned long long whole);
/* The same for a training run: "train  step 120/500  loss 2.345  12,345 tokens/s  2 min 5 s left". */
void as_progress_pace(as_progress *p, const as_pace *pace, const char *says);
void as_progress_free(as_progress *p); /* takes the bar away; NULL is fine */

/* ---- options that many commands have: rows of the option table; `T` is the command's struct, with a member of that name ---- */
#define AS_FORCE_OPTION(T, says) { .name = "force", .type = AS_OPT_FLAG, .offset = offsetof(T, force), .help = (says) }
#define AS_JSON_OPTION(T, says) { .name = "json", .type = AS_OPT_FLAG, .offset = offsetof(T, json), .help = (says) }
#define AS_QUIET_OPTION(T, says) \
    { .name = "quiet", .type = AS_OPT_FLAG, .offset = offsetof(T, quiet), .short_name = 'q', .help = (says) }
#define AS_PROGRESS_OPTION(T)                                                                                            \
    { .name = "progress", .type = AS_OPT_CHOICE, .value = "HOW", .initial = "auto", .choices = "auto|bar|plain|none",    \
      .offset = offsetof(T, progress), .help = "on stderr; auto: a bar on a terminal, else a line every ten seconds" }

/* ---- a verifier from the command line ---- */
typedef struct as_plug_opts {
    const char *plugin, *isolation, *plugin_path, *cache;
    uint64_t threads, timeout_ms;
    bool no_cache;
} as_plug_opts;
/* Rows of the option table; `T` is the command's struct, `m` its as_plug_opts member. AS_VERIFIER_OPTIONS: those but --threads. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a member cannot stand in parentheses */
#define AS_VERIFIER_OPTIONS(T, m)                                                                                       \
    { .name = "plugin", .type = AS_OPT_TEXT, .value = "NAME[:JSON]", .offset = offsetof(T, m.plugin), .short_name = 'p', \
      .help = "the verifier, with its config; a name with '/' is a path" },                                            \
    { .name = "timeout-ms", .type = AS_OPT_UINT, .value = "N", .initial = "10000", .offset = offsetof(T, m.timeout_ms), \
      .help = "longest time for one item" },                                                                           \
    { .name = "isolation", .type = AS_OPT_CHOICE, .value = "LEVEL", .initial = "auto",                                   \
      .choices = "auto|inproc|worker|jail", .offset = offsetof(T, m.isolation),                                     \
      .help = "where the verifier runs; auto: ours in process, others in a worker; jail: a worker that is confined" },                                  \
    { .name = "no-cache", .type = AS_OPT_FLAG, .offset = offsetof(T, m.no_cache),                                     \
      .help = "neither read nor write the verdict cache" },                                                            \
    { .name = "cache", .type = AS_OPT_TEXT, .value = "FILE", .offset = offsetof(T, m.cache),                          \
      .help = "verdict cache to use instead of the one in ~/.cache/assay" },                                           \
    { .name = "plugin-path", .type = AS_OPT_TEXT, .value = "DIRS", .offset = offsetof(T, m.plugin_path),              \
      .help = "folders searched first, separated by ':'" }
#define AS_PLUG_OPTIONS(T, m)                                                                                       \
    AS_VERIFIER_OPTIONS(T, m),                                                                                      \
    { .name = "threads", .type = AS_OPT_UINT, .value = "N", .initial = "0", .offset = offsetof(T, m.threads),         \
      .short_name = 't', .help = "threads (0: one per core)" }
/* NOLINTEND(bugprone-macro-parentheses) */

typedef struct as_plugged { /* zero-initialise; as_plugged_close in any state */
    as_registry *registry;
    as_cache *cache;
    as_scorer *scorer;
} as_plugged;
int as_plugged_open(as_plugged *out, const as_plug_opts *opts, as_err *err); /* AS_EUSAGE without --plugin */
void as_plugged_close(as_plugged *p);
/* What a verdict depends on, into the record's config and hashes. */
int as_plugged_record(const as_plugged *p, const as_plug_opts *opts, as_run_record *record, as_err *err);
const char *as_isolation_word(const as_scorer *s);  /* as --isolation takes it */
const char *as_isolation_place(const as_scorer *s); /* for people: "in process" */
static inline void as_cleanup_plugged(as_plugged *p)
{
    as_plugged_close(p);
}

/* A command by its words ("plugin check"); NULL if there is none. */
const as_command *as_command_find(const char *name);
#endif
