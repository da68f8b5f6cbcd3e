/* figures.h -- one figure per metric, all runs in it: which there are, the picture, the data as CSV.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REPORT_FIGURES_H
#define AS_REPORT_FIGURES_H
#include "base/buf.h"
#include "report/runs.h"
#include "report/tables.h"

enum { AS_REPORT_POINTS_MAX = 2000 /* drawn in one figure, of all its runs; the CSV has all */ };

typedef struct as_report_figure {
    as_str name;
    as_str group;     /* what stands before the first '/', "" where there is none */
    bool is_eval;     /* eval/... or val/...: points, not a line alone */
    const char *file; /* of its CSV, in letters that any file system takes; no two are the same */
    as_buf svg;       /* empty: no finite value */
    size_t n_points;
} as_report_figure;

typedef struct as_report_figures {
    as_report_figure *at; /* by group; evaluations first, then train/..., else in the order in which they came */
    size_t n;
    as_arena arena;
} as_report_figures;

/* The runs outlive the figures. */
int as_report_figures_make(as_report_figures *f, const as_report_runs *runs, as_err *err);
void as_report_figures_fini(as_report_figures *f); /* zeroed is fine */

/* Draws them all, in one process of `gnuplot` (a path). Long curves are thinned: of each stretch its least and its greatest
 * value stay. Values beyond 1e300 are not drawn. */
int as_report_figures_draw(as_report_figures *f, const as_report_runs *runs, const char *gnuplot, as_err *err);

/* "run,step,time,value" and a line for each point, as in metrics.jsonl; null is empty. The tables that have rows stand beside
 * them. `folder` is made; it must not be there, or be empty. */
int as_report_figures_csv(const as_report_figures *f, const as_report_runs *runs, const as_report_tables *tables,
                          const char *folder, as_err *err);

/* How run number i is drawn: of seven colours that people of any colour vision can tell apart (Okabe and Ito 2008), and
 * from the eighth run on dashed. */
const char *as_report_colour(size_t i); /* "#0072B2" */
unsigned as_report_dash(size_t i);      /* 0..4 */

/* Internal (thin.c): at most `room` points (at least 2) of the curve, into out. A stretch without a finite value is one NaN. */
size_t as_report_thin(const as_report_curve *c, size_t room, as_report_point *out);

static inline void as_cleanup_report_figures(as_report_figures *f)
{
    as_report_figures_fini(f);
}
#endif
