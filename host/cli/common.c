/* common.c -- signals, messages and progress of the command line, and opening the verifier it was
 * given. SPDX-License-Identifier: Apache-2.0 */
#include "cli/common.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The few globals of the program: a signal handler and the log sink have no argument to carry them.
 */
static as_cancel interrupted;
static pthread_mutex_t stderr_lock =
    PTHREAD_MUTEX_INITIALIZER; /* innermost: nothing is called with it held */
static bool bar_shown;         /* under stderr_lock */
static int line_argc;
static char **line_argv;

/* ---- process ---- */

as_cancel *as_cli_cancel(void)
{
    return &interrupted;
}

static void on_signal(int signo)
{
    if (atomic_load(&interrupted.why) != 0)
        _exit(128 + signo); /* asked twice: whoever asks means it */
    as_cancel_set(&interrupted, signo == SIGTERM ? AS_ETERM : AS_EINTR);
}

static void put_stderr(const char *text, size_t len)
{
    (void)as_write_all(STDERR_FILENO, (as_str){ text, len },
                       NULL); /* best effort: there is nowhere to complain */
}

static void say_line(const char *prefix, const char *line)
{
    AS_CLEANUP(buf) as_buf b = { 0 };
    as_buf_init(&b, 1 << 20);
    pthread_mutex_lock(&stderr_lock);
    if (bar_shown)
        as_buf_text(&b, "\r\033[K");
    bar_shown = false;
    as_buf_text(&b, prefix);
    as_buf_text(&b, line);
    as_buf_byte(&b, '\n');
    put_stderr(b.data, b.len);
    pthread_mutex_unlock(&stderr_lock);
}

static void log_to_stderr(void *data, as_log_level level, const char *line)
{
    (void)data;
    static const char *const plain[] = { "debug: ", "", "warning: ", "error: " };
    static const char *const coloured[] = { "\033[2mdebug:\033[0m ", "", "\033[33mwarning:\033[0m ",
                                            "\033[31merror:\033[0m " };
    say_line((as_cli_color(STDERR_FILENO) ? coloured : plain)[level], line);
}

static as_log_level level_from_env(void)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    const char *text = getenv("ASSAY_LOG");
    for (int i = 0; text && i < 4; i++)
        if (strcmp(text, names[i]) == 0)
            return (as_log_level)i;
    return AS_LOG_INFO;
}

void as_cli_start(void)
{
    struct sigaction act = {
        .sa_handler = on_signal
    }; /* no SA_RESTART: a read that waits for stdin must end */
    (void)sigemptyset(&act.sa_mask);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* write() says it better */
    as_log_set(log_to_stderr, NULL, level_from_env());
}

void as_cli_set_line(int argc, char **argv)
{
    line_argc = argc;
    line_argv = argv;
}

static void add_quoted(as_buf *out, const char *word)
{
    static const char safe[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";
    if (*word && word[strspn(word, safe)] == '\0') {
        as_buf_text(out, word);
        return;
    }
    as_buf_byte(out, '\'');
    for (const char *c = word; *c; c++) {
        if (*c == '\'')
            as_buf_text(out, "'\\''");
        else
            as_buf_byte(out, *c);
    }
    as_buf_byte(out, '\'');
}

void as_cli_line(as_buf *out, const char *extra)
{
    bool has_extra = false;
    for (int i = 0; i < line_argc; i++) {
        if (strcmp(line_argv[i], "--force") == 0)
            continue; /* it would throw away what is there */
        has_extra = has_extra || strcmp(line_argv[i], extra) == 0;
        if (i > 0)
            as_buf_byte(out, ' ');
        add_quoted(out, line_argv[i]);
    }
    if (!has_extra)
        as_buf_addf(out, " %s", extra);
}

const char *as_cli_state(int rc)
{
    if (rc == AS_EINTR || rc == AS_ETERM)
        return "interrupted";
    return rc == 0 ? "done" : "failed";
}

void as_cli_say_resume(void)
{
    AS_CLEANUP(buf) as_buf line = { 0 };
    as_buf_init(&line, 1 << 20);
    as_cli_line(&line, "--resume");
    as_cli_say("to go on: %s", line.failed ? "the same line with --resume" : line.data);
}

/* ---- output ---- */

int as_cli_out(as_str bytes, as_err *err)
{
    int rc = as_write_all(STDOUT_FILENO, bytes, err);
    if (rc < 0)
        as_err_prefix(err, "stdout");
    return rc;
}

void as_cli_say(const char *format, ...)
{
    AS_CLEANUP(free) char *text = NULL;
    char small[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n >= (int)sizeof small && (text = as_malloc((size_t)n + 1))) {
        va_start(args, format);
        (void)vsnprintf(text, (size_t)n + 1, format, args);
        va_end(args);
    }
    say_line("", text ? text : small);
}

bool as_cli_color(int fd)
{
    const char *force = getenv("CLICOLOR_FORCE");
    const char *never = getenv("NO_COLOR");
    if (never && *never)
        return false;
    if (force && *force && strcmp(force, "0") != 0)
        return true;
    return isatty(fd) == 1;
}

/* ---- numbers for people ---- */

const char *as_text_count(char out[AS_TEXT_MAX], uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *to = out;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

const char *as_text_share(char out[AS_TEXT_MAX], uint64_t part, uint64_t whole)
{
    if (whole == 0)
        (void)snprintf(out, AS_TEXT_MAX, "-");
    else
        (void)snprintf(out, AS_TEXT_MAX, "%.1f %%", 100.0 * (double)part / (double)whole);
    return out;
}

const char *as_text_seconds(char out[AS_TEXT_MAX], double s)
{
    if (!(s >= 0))
        (void)snprintf(out, AS_TEXT_MAX, "-");
    else if (s < 0.001)
        (void)snprintf(out, AS_TEXT_MAX, "%.0f us", s * 1e6);
    else if (s < 1)
        (void)snprintf(out, AS_TEXT_MAX, "%.3g ms", s * 1e3);
    else if (s < 100)
        (void)snprintf(out, AS_TEXT_MAX, "%.3g s", s);
    else if (s < 3600)
        (void)snprintf(out, AS_TEXT_MAX, "%d min %d s", (int)(s / 60), (int)fmod(s, 60));
    else
        (void)snprintf(out, AS_TEXT_MAX, "%.0f h %d min", floor(s / 3600),
                       (int)(fmod(s, 3600) / 60));
    return out;
}

const char *as_text_bytes(char out[AS_TEXT_MAX], uint64_t n)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    if (n < 1024) {
        (void)snprintf(out, AS_TEXT_MAX, "%d B", (int)n);
        return out;
    }
    size_t unit = 0;
    while (unit < 5 && n >> (10 * (unit + 2)) > 0)
        unit++;
    double v = ldexp((double)n, -10 * (int)(unit + 1));
    (void)snprintf(out, AS_TEXT_MAX, v < 100 ? "%.3g %s" : "%.0f %s", v, units[unit]);
    return out;
}

/* ---- progress ---- */

struct as_progress {
    const char *label;
    bool is_bar, is_off;
    int64_t start_ns, next_ns;
};

int as_progress_new(as_progress **out, const char *mode, const char *label, as_err *err)
{
    as_progress *p = as_calloc(1, sizeof *p);
    if (!p)
        return as_fail(err, AS_ENOMEM, "out of memory");
    bool tty = isatty(STDERR_FILENO) == 1;
    p->label = label;
    p->is_off = strcmp(mode, "none") == 0;
    p->is_bar = strcmp(mode, "bar") == 0 || (strcmp(mode, "auto") == 0 && tty);
    p->start_ns = as_now_ns();
    p->next_ns = p->start_ns + (p->is_bar ? 200 : 10000) * (int64_t)1000000;
    *out = p;
    return 0;
}

static void show_line(const as_progress *p, const char *line)
{
    if (!p->is_bar) {
        say_line("", line);
        return;
    }
    char whole[220];
    int n = snprintf(whole, sizeof whole, "\r\033[K%s", line);
    pthread_mutex_lock(&stderr_lock);
    bar_shown = true;
    put_stderr(whole, (size_t)n);
    pthread_mutex_unlock(&stderr_lock);
}

static void show_items(const as_progress *p, uint64_t items, double share, double seconds)
{
    char count[AS_TEXT_MAX];
    char rate[AS_TEXT_MAX];
    char left[AS_TEXT_MAX];
    char line[200];
    const char *per_second = as_text_count(rate, (uint64_t)((double)items / seconds));
    if (share > 0.001)
        (void)snprintf(line, sizeof line, "%s  %s items  %.0f %%  %s/s  %s left", p->label,
                       as_text_count(count, items), 100 * share, per_second,
                       as_text_seconds(left, seconds / share - seconds));
    else
        (void)snprintf(line, sizeof line, "%s  %s items  %s/s", p->label,
                       as_text_count(count, items), per_second);
    show_line(p, line);
}

/* True when it is time for another line; the next one is due a while after this. */
static bool is_due(as_progress *p, int64_t now)
{
    if (!p || p->is_off || now < p->next_ns)
        return false;
    p->next_ns = now + (p->is_bar ? 200 : 10000) * (int64_t)1000000;
    return true;
}

void as_progress_at(as_progress *p, uint64_t items, unsigned long long part,
                    unsigned long long whole)
{
    int64_t now = as_now_ns();
    if (!is_due(p, now))
        return;
    double share = whole > 0 && part <= whole ? (double)part / (double)whole : 0;
    show_items(p, items, share, (double)(now - p->start_ns) / 1e9);
}

const char *as_text_pace(char out[AS_TEXT_PACE_MAX], const as_pace_now *now, const char *says)
{
    char loss[AS_TEXT_PACE_MAX] = "";
    char rate[AS_TEXT_MAX + 16] = "";
    char left[AS_TEXT_MAX + 16] = "";
    char last[AS_TEXT_MAX + 1] = "";
    char number[AS_TEXT_MAX];
    char step[AS_TEXT_MAX];
    if (now->has_steps && says)
        (void)snprintf(loss, sizeof loss, "  %.100s", says);
    else if (now->has_steps)
        (void)snprintf(loss, sizeof loss, "  loss %.4g", now->loss);
    if (isfinite(now->tokens_per_s))
        (void)snprintf(rate, sizeof rate, "  %s tokens/s",
                       as_text_count(number, (uint64_t)now->tokens_per_s));
    const bool has_end = now->last < AS_PACE_ENDLESS;
    if (has_end)
        (void)snprintf(last, sizeof last, "/%s", as_text_count(number, now->last));
    if (has_end && now->step < now->last && isfinite(now->left_s))
        (void)snprintf(left, sizeof left, "  %s left", as_text_seconds(number, now->left_s));
    (void)snprintf(out, AS_TEXT_PACE_MAX, "step %s%s%s%s%s", as_text_count(step, now->step), last,
                   loss, rate, left);
    return out;
}

void as_progress_pace(as_progress *p, const as_pace *pace, const char *says)
{
    char text[AS_TEXT_PACE_MAX];
    char line[200]; /* as show_line takes it */
    if (!is_due(p, as_now_ns()))
        return;
    const as_pace_now now = as_pace_read(pace);
    (void)snprintf(line, sizeof line, "%.32s  %s", p->label, as_text_pace(text, &now, says));
    show_line(p, line);
}

void as_progress_free(as_progress *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&stderr_lock);
    if (bar_shown)
        put_stderr("\r\033[K", 4);
    bar_shown = false;
    pthread_mutex_unlock(&stderr_lock);
    as_free(p);
}

/* ---- a verifier from the command line ---- */

static as_isolation isolation_of(const char *word)
{
    static const char *const words[] = { "auto", "inproc", "worker", "jail" };
    for (int i = 0; i < 4; i++)
        if (strcmp(word, words[i]) == 0)
            return (as_isolation)i;
    return AS_ISOLATION_AUTO;
}

const char *as_isolation_word(const as_scorer *s)
{
    as_isolation level = as_scorer_isolation(s);
    return level == AS_ISOLATION_INPROC ? "inproc" : level == AS_ISOLATION_JAIL ? "jail" : "worker";
}

const char *as_isolation_place(const as_scorer *s)
{
    as_isolation level = as_scorer_isolation(s);
    return level == AS_ISOLATION_INPROC ? "in process"
           : level == AS_ISOLATION_JAIL ? "in a jail"
                                        : "in a worker process";
}

int as_plugged_open(as_plugged *out, const as_plug_opts *opts, as_err *err)
{
    if (!opts->plugin || !*opts->plugin)
        return as_fail(err, AS_EUSAGE,
                       "--plugin NAME is missing: which verifier? (assay plugin list shows them)");
    if (opts->threads > 1024)
        return as_fail(err, AS_EUSAGE, "--threads: %" PRIu64 " is too many (0 to 1024)",
                       opts->threads);
    if (opts->timeout_ms > 86400000)
        return as_fail(err, AS_EUSAGE, "--timeout-ms: %" PRIu64 " is more than a day",
                       opts->timeout_ms);
    as_registry_options where = { .plugin_path = opts->plugin_path };
    int rc = as_registry_open(&out->registry, &where, err);
    if (rc == 0 && !opts->no_cache)
        rc = as_cache_open(&out->cache, opts->cache, err);
    as_scorer_options how = { .isolation = isolation_of(opts->isolation),
                              .threads = (unsigned)opts->threads,
                              .timeout_ms = (unsigned)opts->timeout_ms,
                              .cache = out->cache,
                              .cancel = as_cli_cancel() };
    return rc == 0 ? as_scorer_open(&out->scorer, out->registry, opts->plugin, &how, err) : rc;
}

void as_plugged_close(as_plugged *p)
{
    as_scorer_close(p->scorer);
    as_cache_close(p->cache);
    if (p->registry)
        as_registry_close(p->registry);
    *p = (as_plugged){ 0 };
}

int as_plugged_record(const as_plugged *p, const as_plug_opts *opts, as_run_record *record,
                      as_err *err)
{
    const as_verifier_info *info = as_scorer_info(p->scorer);
    char number[32];
    int rc = as_run_record_text(record, as_run_record_config, "verifier", info->id, err);
    if (rc == 0)
        rc = as_run_record_text(record, as_run_record_set, "plugin", opts->plugin, err);
    if (rc == 0)
        rc = as_run_record_text(record, as_run_record_set, "plugin_version", info->version, err);
    if (rc < 0)
        return rc;
    (void)snprintf(number, sizeof number, "%" PRIu32, info->revision);
    as_run_record_config(record, "revision", as_str_of(number));
    (void)snprintf(number, sizeof number, "%" PRIu64, opts->timeout_ms);
    as_run_record_config(record, "timeout_ms", as_str_of(number));
    as_run_record_config(record, "config", as_scorer_config(p->scorer));
    as_run_record_hash(record, "plugin_file", as_scorer_file_hash(p->scorer));
    return 0;
}
