/* draw.c -- the figures by gnuplot: a child that reads a script of numbers and writes SVG, both in
 * memory. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "report/figures.h"

#include <errno.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 300000,
    OUTPUT_MAX = 1 << 29,
    SCRIPT_MAX = 1 << 29,
    MARKS_MAX = 32, /* of a run in a figure: the newest */
    FEW_POINTS = 40 /* so many are shown as points too */
};
static const double DRAWN_MAX = 1e300; /* beyond, the ends of an axis overflow */

/* ---- the script ---- */

typedef struct extent {
    double low, high;
} extent;

static void extend(extent *e, double v)
{
    e->low = v < e->low ? v : e->low;
    e->high = v > e->high ? v : e->high;
}

/* Some air around what is drawn; more around what is all the same. */
static extent with_margin(extent e)
{
    const double span = e.high - e.low, size = fmax(fabs(e.low), fabs(e.high));
    const bool is_flat = span <= size * 1e-9;
    const double flat = size == 0 ? 1 : fmax(0.1 * size, 1e-290);
    const double margin = is_flat ? flat : fmax(0.03 * span, 1e-290);
    return (extent){ e.low - margin, e.high + margin };
}

static bool is_drawn(double v)
{
    return fabs(v) <= DRAWN_MAX; /* NaN is not */
}

static void put_range(as_buf *b, char axis, extent e)
{
    as_buf_addf(b, "set %crange [", axis);
    as_buf_json_num(b, e.low);
    as_buf_byte(b, ':');
    as_buf_json_num(b, e.high);
    as_buf_text(b, "]\n");
}

/* A blank line breaks the curve. */
static void put_points(as_buf *b, size_t run, const as_report_point *p, size_t n)
{
    as_buf_addf(b, "$r%zu << END\n", run);
    for (size_t i = 0; i < n; i++) {
        if (is_drawn(p[i].value)) {
            as_buf_u64(b, p[i].step);
            as_buf_byte(b, ' ');
            as_buf_json_num(b, p[i].value);
        }
        as_buf_byte(b, '\n');
    }
    as_buf_text(b, "END\n");
}

static void put_marks(as_buf *b, const as_report_run *run, size_t i)
{
    size_t k = run->n_resumed > MARKS_MAX ? run->n_resumed - MARKS_MAX : 0;
    for (; k < run->n_resumed; k++) {
        const double step = (double)run->resumed[k];
        as_buf_addf(
            b,
            "set arrow from first %.17g, graph 0 to first %.17g, graph 1 nohead back lw 1.5 "
            "dt 2 lc rgb '%s'\n",
            step, step, as_report_colour(i));
    }
}

typedef struct artist {
    const as_report_runs *runs;
    as_report_point *points; /* [AS_REPORT_POINTS_MAX] of one run at a time */
    as_buf script;
} artist;

/* "plot ...": what has been put as $rI. */
static void put_plot(as_buf *b, size_t i, bool has_points, bool is_first)
{
    as_buf_addf(b, "%s $r%zu with %s lw 1.5 dt %u pt 7 ps 0.45 lc rgb '%s'",
                is_first ? "plot" : ", \\\n ", i, has_points ? "linespoints" : "lines",
                as_report_dash(i) + 1, as_report_colour(i));
}

/* *is_there: false where no value can be drawn. */
static void put_figure(artist *a, const as_report_figure *f, extent x, bool *is_there)
{
    const size_t room = AS_REPORT_POINTS_MAX / a->runs->n;
    size_t n[AS_REPORT_RUNS_MAX] = { 0 };
    as_report_point *p = a->points;
    extent y = { (double)INFINITY, -(double)INFINITY };
    const size_t before = a->script.len;
    for (size_t i = 0; i < a->runs->n; i++) {
        const as_report_curve *c = as_report_curve_of(&a->runs->at[i], f->name);
        n[i] = c ? as_report_thin(c, room, p) : 0;
        bool is_any = false;
        for (size_t k = 0; k < n[i]; k++)
            if (is_drawn(p[k].value)) {
                extend(&y, p[k].value);
                is_any = true;
            }
        n[i] = is_any ? n[i] : 0;
        if (is_any)
            put_points(&a->script, i, p, n[i]);
    }
    *is_there = y.low <= y.high;
    if (!*is_there) {
        a->script.len = before;
        return;
    }
    as_buf_text(&a->script, "unset arrow\n");
    put_range(&a->script, 'x', x);
    put_range(&a->script, 'y', with_margin(y));
    bool is_first = true;
    for (size_t i = 0; i < a->runs->n; i++)
        if (n[i])
            put_marks(&a->script, &a->runs->at[i], i);
    for (size_t i = 0; i < a->runs->n; i++)
        if (n[i]) {
            put_plot(&a->script, i, f->is_eval || n[i] <= FEW_POINTS, is_first);
            is_first = false;
        }
    as_buf_byte(&a->script, '\n');
}

static void put_head(as_buf *b)
{
    as_buf_text(b, "set terminal svg size 520,270 dynamic noenhanced font 'sans-serif,12' "
                   "background '#ffffff' linewidth 1\n"
                   "unset key\n"
                   "set border 3 lc rgb '#666666'\n"
                   "set tics nomirror\n"
                   "set grid ytics lt 1 lw 0.5 lc rgb '#dddddd'\n"
                   "set xlabel 'step' offset 0,0.4\n"
                   "set datafile separator whitespace\n");
}

/* ---- the child ---- */

static int read_back(int fd, as_buf *out, as_err *err)
{
    char block[1 << 16];
    as_buf_init(out, OUTPUT_MAX);
    for (off_t at = 0;;) {
        const ssize_t n = pread(fd, block, sizeof block, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return as_fail_errno(err, "gnuplot's output");
        if (n == 0)
            return as_buf_check(out, err);
        as_buf_add(out, (as_str){ block, (size_t)n });
        at += n;
    }
}

/* What a child that failed said first, in one line. */
static int tell_why(const char *gnuplot, int status, int errors, as_err *err)
{
    char how[80];
    AS_CLEANUP(buf) as_buf said = { 0 };
    as_proc_status_text(status, how, sizeof how);
    as_str words = { "", 0 };
    if (read_back(errors, &said, NULL) == 0)
        words = as_str_trim(as_buf_str(&said));
    for (size_t i = 0; i < words.len; i++)
        if (said.data && (unsigned char)words.data[i] < ' ')
            said.data[words.data - said.data + (ptrdiff_t)i] = ' ';
    return as_fail(err, AS_EIO, "%s: %s: %.*s", gnuplot, how,
                   (int)(words.len < 200 ? words.len : 200), words.data);
}

static int run_gnuplot(const char *gnuplot, as_str script, as_buf *out, as_err *err)
{
    AS_CLEANUP(close) int in = memfd_create("assay-figures", MFD_CLOEXEC);
    AS_CLEANUP(close) int pictures = memfd_create("assay-pictures", MFD_CLOEXEC);
    AS_CLEANUP(close) int errors = memfd_create("assay-errors", MFD_CLOEXEC);
    const char *const argv[] = { gnuplot, "-d", "-", NULL };
    const char *const env[] = { "LC_ALL=C", "GNUTERM=svg", NULL };
    pid_t pid = -1;
    int status = 0;
    if (in < 0 || pictures < 0 || errors < 0)
        return as_fail_errno(err, "no memory file for the figures");
    int rc = as_write_all(in, script, err);
    if (rc == 0 && lseek(in, 0, SEEK_SET) != 0)
        rc = as_fail_errno(err, "the figures' script");
    const as_spawn_fd fds[] = { { in, 0 }, { pictures, 1 }, { errors, 2 } };
    if (rc == 0)
        rc = as_spawn(&pid, argv, env, fds, 3, err);
    if (rc < 0)
        return rc;
    if (!as_proc_wait(pid, TIMEOUT_MS, &status)) {
        as_proc_kill(pid, &status);
        return as_fail(err, AS_EIO, "%s: no picture within %d s", gnuplot, TIMEOUT_MS / 1000);
    }
    return status == 0 ? read_back(pictures, out, err) : tell_why(gnuplot, status, errors, err);
}

/* ---- its output ---- */

/* Skips OPEN...CLOSE where it stands at *at. */
static bool skip_part(const char **at, const char *end, const char *open, const char *close)
{
    const size_t n = strlen(open);
    if ((size_t)(end - *at) < n || memcmp(*at, open, n) != 0)
        return false;
    const char *stop = memmem(*at + n, (size_t)(end - *at) - n, close, strlen(close));
    *at = stop ? stop + strlen(close) : end;
    return true;
}

/* One picture of many on a page: without titles, and without names, which would be there twice; the
 * marks of points are taken from the first one. */
static void clean(const char *at, const char *end, bool is_first, as_buf *out)
{
    while (at < end) {
        if (skip_part(&at, end, "<title", "</title>") || skip_part(&at, end, "<desc", "</desc>") ||
            skip_part(&at, end, " id=\"gnuplot_", "\"") ||
            (!is_first && skip_part(&at, end, "<defs", "</defs>")))
            continue;
        const char *next = at + 1;
        while (next < end && *next != '<' && *next != ' ')
            next++;
        as_buf_add(out, (as_str){ at, (size_t)(next - at) });
        at = next;
    }
}

/* Pictures come in the order of the figures that have one. */
static int take_pictures(as_report_figures *f, const bool *is_there, as_str all, as_err *err)
{
    const char *at = all.data, *end = all.data + all.len;
    bool is_first = true;
    for (size_t i = 0; i < f->n; i++) {
        if (!is_there[i])
            continue;
        const char *begin = at ? memmem(at, (size_t)(end - at), "<svg", 4) : NULL;
        const char *stop = begin ? memmem(begin, (size_t)(end - begin), "</svg>", 6) : NULL;
        if (!stop)
            return as_fail(err, AS_EIO,
                           "gnuplot drew too few pictures: is it another version than 5?");
        at = stop + 6;
        clean(begin, at, is_first, &f->at[i].svg);
        is_first = false;
        int rc = as_buf_check(&f->at[i].svg, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static extent steps_of(const as_report_runs *runs)
{
    extent x = { (double)INFINITY, -(double)INFINITY };
    for (size_t i = 0; i < runs->n; i++)
        for (size_t k = 0; k < runs->at[i].n_curves; k++) {
            const as_report_curve *c = &runs->at[i].curves[k];
            extend(&x, (double)c->at[0].step);
            extend(&x, (double)c->at[c->n - 1].step);
        }
    return with_margin(x);
}

int as_report_figures_draw(as_report_figures *f, const as_report_runs *runs, const char *gnuplot,
                           as_err *err)
{
    AS_CLEANUP(free) bool *is_there = as_calloc(f->n + 1, sizeof *is_there);
    AS_CLEANUP(buf) as_buf out = { 0 };
    artist a = { .runs = runs };
    bool is_any = false;
    if (!is_there)
        return as_fail(err, AS_ENOMEM, "out of memory");
    a.points = as_calloc(AS_REPORT_POINTS_MAX, sizeof *a.points);
    if (!a.points)
        return as_fail(err, AS_ENOMEM, "out of memory");
    as_buf_init(&a.script, SCRIPT_MAX);
    put_head(&a.script);
    const extent x = f->n ? steps_of(runs) : (extent){ 0, 1 };
    for (size_t i = 0; i < f->n; i++) {
        put_figure(&a, &f->at[i], x, &is_there[i]);
        is_any = is_any || is_there[i];
    }
    int rc = as_buf_check(&a.script, err);
    if (rc == 0 && is_any)
        rc = run_gnuplot(gnuplot, as_buf_str(&a.script), &out, err);
    if (rc == 0 && is_any)
        rc = take_pictures(f, is_there, as_buf_str(&out), err);
    as_buf_fini(&a.script);
    as_free(a.points);
    return rc;
}
