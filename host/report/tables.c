/* tables.c -- before and after, by level, and what training moved. SPDX-License-Identifier:
 * Apache-2.0 */
#include "report/tables.h"

#include "base/mem.h"

#include <inttypes.h>
#include <math.h>

enum { LEVELS_MAX = 64, STEPS_MEANT = 10 /* at each end of a run, at most */ };

static int no_memory(as_err *err)
{
    return as_fail(err, AS_ENOMEM, "no memory for the report's tables");
}

static as_interval difference(double a, double b)
{
    return as_report_value(a - b);
}

/* ---- evaluations ---- */

enum {
    E_RUN,
    E_SUITE,
    E_PROBLEMS,
    E_SAMPLES,
    E_AVG,
    E_MAJ,
    E_TOKENS,
    E_AGAINST,
    E_GAIN,
    E_PARTS,
    E_OVER,
    E_N
};
static const as_report_column evaluation_columns[E_N] = {
    [E_RUN] = { "evaluation", "run", AS_REPORT_TEXT, false },
    [E_SUITE] = { "suite", "suite", AS_REPORT_TEXT, false },
    [E_PROBLEMS] = { "problems", "problems", AS_REPORT_COUNT, false },
    [E_SAMPLES] = { "n", "n", AS_REPORT_COUNT, false },
    [E_AVG] = { "avg@n", "avg", AS_REPORT_SHARE, true },
    [E_MAJ] = { "maj@n", "maj", AS_REPORT_SHARE, true },
    [E_TOKENS] = { "tokens", "tokens", AS_REPORT_LENGTH, false },
    [E_AGAINST] = { "against", "against", AS_REPORT_TEXT, false },
    [E_GAIN] = { "avg@n - its avg@n", "gain", AS_REPORT_CHANGE, true },
    [E_PARTS] = { "relative", "relative", AS_REPORT_PARTS, false },
    [E_OVER] = { "avg@n - its maj@n", "over_maj", AS_REPORT_CHANGE, true },
};

static int add_evaluation(as_report_table *t, const as_report_exams *e, size_t i, as_err *err)
{
    const as_report_exam *x = &e->at[i], *first = &e->at[x->first];
    as_report_cell *row = as_report_table_row(t);
    if (!row)
        return no_memory(err);
    row[E_RUN].text = x->label;
    row[E_SUITE].text = x->suite;
    row[E_PROBLEMS].x = as_report_value((double)x->n_problems);
    row[E_SAMPLES].x = as_report_value((double)x->n_samples);
    row[E_AVG].x = x->avg_n;
    row[E_MAJ].x = x->maj_n;
    row[E_TOKENS].x = as_report_value(x->length);
    if (x->first == i)
        return 0;
    row[E_AGAINST].text = first->label;
    row[E_PARTS].x = as_report_parts(first->avg_n.mean, x->avg_n.mean);
    int rc = as_bootstrap_difference(x->avg, first->avg, x->n_problems, AS_REPORT_DRAWS, 0, 1,
                                     &row[E_GAIN].x, err);
    return rc == 0 ? as_bootstrap_difference(x->avg, first->maj, x->n_problems, AS_REPORT_DRAWS, 0,
                                             1, &row[E_OVER].x, err)
                   : rc;
}

/* ---- levels ---- */

enum {
    L_RUN,
    L_SUITE,
    L_LEVEL,
    L_PROBLEMS,
    L_BEFORE,
    L_AFTER,
    L_CHANGE,
    L_PARTS,
    L_LENGTH,
    L_LATER,
    L_LONGER,
    L_LONGER_PARTS,
    L_N
};
static const as_report_column level_columns[L_N] = {
    [L_RUN] = { "run", "run", AS_REPORT_TEXT, false },
    [L_SUITE] = { "suite", "suite", AS_REPORT_TEXT, false },
    [L_LEVEL] = { "level", "level", AS_REPORT_TEXT, false },
    [L_PROBLEMS] = { "problems", "problems", AS_REPORT_COUNT, false },
    [L_BEFORE] = { "accuracy before", "accuracy_before", AS_REPORT_SHARE, false },
    [L_AFTER] = { "after", "accuracy_after", AS_REPORT_SHARE, false },
    [L_CHANGE] = { "change", "accuracy_change", AS_REPORT_CHANGE, false },
    [L_PARTS] = { "relative", "accuracy_relative", AS_REPORT_PARTS, false },
    [L_LENGTH] = { "tokens before", "tokens_before", AS_REPORT_LENGTH, false },
    [L_LATER] = { "after", "tokens_after", AS_REPORT_LENGTH, false },
    [L_LONGER] = { "change", "tokens_change", AS_REPORT_LONGER, false },
    [L_LONGER_PARTS] = { "relative", "tokens_relative", AS_REPORT_PARTS, false },
};

typedef struct level {
    as_str name;
    double problems, before, after, length, later; /* problems 0: not told */
} level;

static int add_level(as_report_table *t, as_str run, as_str suite, const level *l, as_err *err)
{
    as_report_cell *row = as_report_table_row(t);
    if (!row)
        return no_memory(err);
    row[L_RUN].text = run;
    row[L_SUITE].text = suite;
    row[L_LEVEL].text = l->name;
    row[L_PROBLEMS].x = as_report_value(l->problems > 0 ? l->problems : (double)NAN);
    row[L_BEFORE].x = as_report_value(l->before);
    row[L_AFTER].x = as_report_value(l->after);
    row[L_CHANGE].x = difference(l->after, l->before);
    row[L_PARTS].x = as_report_parts(l->before, l->after);
    row[L_LENGTH].x = as_report_value(l->length);
    row[L_LATER].x = as_report_value(l->later);
    row[L_LONGER].x = difference(l->later, l->length);
    row[L_LONGER_PARTS].x = as_report_parts(l->length, l->later);
    return 0;
}

/* Numbers by size, before words; words as they came. */
static bool comes_before(as_str a, as_str b)
{
    double x, y;
    const bool is_number = as_str_double(a, &x);
    return as_str_double(b, &y) ? is_number && x < y : is_number;
}

/* *n: LEVELS_MAX + 1 where there are more: they are no levels then. */
static void add_name(as_str *names, size_t *n, as_str name)
{
    size_t at = 0;
    while (at < *n && !as_str_eq(names[at], name))
        at++;
    if (at < *n || *n > LEVELS_MAX)
        return;
    if (*n == LEVELS_MAX) {
        ++*n;
        return;
    }
    for (at = (*n)++; at > 0 && comes_before(name, names[at - 1]); at--)
        names[at] = names[at - 1];
    names[at] = name;
}

static double mean_at(const as_report_exam *x, as_str name, const double *values, double *n)
{
    double sum = 0;
    *n = 0;
    for (size_t i = 0; i < x->n_problems; i++) {
        if (!x->level[i].data || !as_str_eq(x->level[i], name) || isnan(values[i]))
            continue;
        sum += values[i];
        *n += 1;
    }
    return sum / *n;
}

static int add_exam_levels(as_report_table *t, const as_report_exam *x, const as_report_exam *first,
                           as_err *err)
{
    as_str names[LEVELS_MAX];
    size_t n = 0;
    int rc = 0;
    for (size_t i = 0; i < x->n_problems; i++)
        if (x->level[i].data)
            add_name(names, &n, x->level[i]);
    for (size_t i = 0; rc == 0 && n <= LEVELS_MAX && i < n; i++) {
        double unused;
        level l = { .name = names[i] };
        l.before = mean_at(first, l.name, first->avg, &unused);
        l.length = mean_at(first, l.name, first->tokens, &unused);
        l.later = mean_at(x, l.name, x->tokens, &unused);
        l.after = mean_at(x, l.name, x->avg, &l.problems);
        rc = add_level(t, x->label, x->suite, &l, err);
    }
    return rc;
}

/* ---- the ends of a curve ---- */

static double mean_of(const as_report_point *p, size_t n)
{
    double sum = 0, counted = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(p[i].value)) {
            sum += p[i].value;
            counted++;
        }
    return sum / counted;
}

/* So many points at each end are one figure. */
static size_t n_meant(const as_report_curve *c)
{
    const size_t half = c->n / 2;
    return half < STEPS_MEANT ? half : STEPS_MEANT;
}

static double mean_first(const as_report_curve *c)
{
    return c ? mean_of(c->at, n_meant(c)) : (double)NAN;
}

static double mean_last(const as_report_curve *c)
{
    return c ? mean_of(c->at + c->n - n_meant(c), n_meant(c)) : (double)NAN;
}

#define LEVEL "level/"
#define ACCURACY "/accuracy"

/* level/NAME/accuracy */
static bool is_level(as_str metric, as_str *name)
{
    const size_t around = sizeof LEVEL - 1 + sizeof ACCURACY - 1;
    if (!as_str_starts(metric, LEVEL) || !as_str_ends(metric, ACCURACY) || metric.len <= around)
        return false;
    *name = (as_str){ metric.data + sizeof LEVEL - 1, metric.len - around };
    return true;
}

static int add_run_levels(as_report_tables *t, const as_report_run *r, as_err *err)
{
    as_str names[LEVELS_MAX], name;
    size_t n = 0;
    for (size_t i = 0; i < r->n_curves; i++)
        if (is_level(r->curves[i].name, &name) && n_meant(&r->curves[i]) > 0)
            add_name(names, &n, name);
    int rc = 0;
    for (size_t i = 0; rc == 0 && n <= LEVELS_MAX && i < n; i++) {
        const as_str metric = as_arena_fmt(&t->arena, LEVEL "%.*s" ACCURACY, AS_FMT(names[i]));
        const as_str length =
            as_arena_fmt(&t->arena, LEVEL "%.*s/response_length", AS_FMT(names[i]));
        if (!metric.data || !length.data)
            return no_memory(err);
        const as_report_curve *c = as_report_curve_of(r, metric);
        const as_report_curve *longer = as_report_curve_of(r, length);
        const level l = { .name = names[i],
                          .before = mean_first(c),
                          .after = mean_last(c),
                          .length = mean_first(longer),
                          .later = mean_last(longer) };
        rc = add_level(&t->at[AS_REPORT_LEVELS], r->label, AS_LIT("(training)"), &l, err);
    }
    return rc;
}

/* ---- what training moved ---- */

enum { T_RUN, T_METRIC, T_STEPS, T_FIRST, T_LAST, T_CHANGE, T_BEST, T_AT, T_N };
static const as_report_column training_columns[T_N] = {
    [T_RUN] = { "run", "run", AS_REPORT_TEXT, false },
    [T_METRIC] = { "metric", "metric", AS_REPORT_TEXT, false },
    [T_STEPS] = { "points", "points", AS_REPORT_COUNT, false },
    [T_FIRST] = { "first", "first", AS_REPORT_SHARE, false },
    [T_LAST] = { "last", "last", AS_REPORT_SHARE, false },
    [T_CHANGE] = { "change", "change", AS_REPORT_CHANGE, false },
    [T_BEST] = { "greatest", "greatest", AS_REPORT_SHARE, false },
    [T_AT] = { "at step", "greatest_step", AS_REPORT_COUNT, false },
};

/* Evaluations as they are, first and last; all else as means of the steps at either end. */
static int add_metric(as_report_table *t, const as_report_run *r, const as_report_curve *c,
                      as_err *err)
{
    const bool is_exam = as_str_starts(c->name, "val/");
    const as_report_point *last = as_report_last(c), *best = last;
    if (!last || c->n < 2)
        return 0;
    for (size_t i = c->n; i-- > 0;)
        if (isfinite(c->at[i].value) && c->at[i].value >= best->value)
            best = &c->at[i];
    as_report_cell *row = as_report_table_row(t);
    if (!row)
        return no_memory(err);
    row[T_RUN].text = r->label;
    row[T_METRIC].text = c->name;
    row[T_STEPS].x = as_report_value((double)c->n);
    row[T_FIRST].x = as_report_value(is_exam ? c->at[0].value : mean_first(c));
    row[T_LAST].x = as_report_value(is_exam ? last->value : mean_last(c));
    row[T_CHANGE].x = difference(row[T_LAST].x.mean, row[T_FIRST].x.mean);
    row[T_BEST].x = as_report_value(best->value);
    row[T_AT].x = as_report_value((double)best->step);
    return 0;
}

static bool is_told(as_str name)
{
    static const char *const names[] = { "train/majority_ratio",  "train/label_accuracy",
                                         "train/reward_accuracy", "train/ground_truth_ratio",
                                         "train/effective_votes", "train/label_drift",
                                         "reward/mean",           "actor/entropy",
                                         "response_length/mean",  "critic/vf_explained_var" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (as_str_eq(name, as_str_of(names[i])))
            return true;
    return as_str_starts(name, "val/avg@");
}

static int add_training(as_report_table *t, const as_report_runs *runs, as_err *err)
{
    bool is_ttrl = false;
    for (size_t i = 0; i < runs->n; i++)
        is_ttrl = is_ttrl || as_report_curve_of(&runs->at[i], AS_LIT("train/majority_ratio"));
    int rc = 0;
    for (size_t i = 0; is_ttrl && i < runs->n; i++)
        for (size_t k = 0; rc == 0 && k < runs->at[i].n_curves; k++)
            if (is_told(runs->at[i].curves[k].name))
                rc = add_metric(t, &runs->at[i], &runs->at[i].curves[k], err);
    return rc;
}

/* ---- all ---- */

const char *const as_report_table_files[AS_REPORT_TABLES] = { "evaluations.csv", "levels.csv",
                                                              "training.csv" };

static const as_report_table empty[AS_REPORT_TABLES] = {
    [AS_REPORT_EVALUATIONS] = { .title = "Before and after",
                                .note = "avg@n: share of right samples; maj@n: share of problems "
                                        "whose vote is right. Each evaluation stands against the "
                                        "first of its suite and sampling, paired over problems; "
                                        "intervals: 95 %, bootstrap over problems.",
                                .columns = evaluation_columns,
                                .n_columns = E_N },
    [AS_REPORT_LEVELS] = { .title = "Levels",
                           .note = "By meta.level of the problems: accuracy (share of right "
                                   "samples) and response length. (training): means of the first "
                                   "and of the last steps of a run, at most ten.",
                           .columns = level_columns,
                           .n_columns = L_N },
    [AS_REPORT_TRAINING] = { .title = "What training moved",
                             .note = "Means of the first and of the last steps, at most ten; of "
                                     "evaluations (val/...) the first and the last. The greatest "
                                     "value is one of all points: judge by the last.",
                             .columns = training_columns,
                             .n_columns = T_N },
};

int as_report_tables_make(as_report_tables *t, const as_report_runs *runs,
                          const as_report_exams *exams, as_err *err)
{
    int rc = 0;
    *t = (as_report_tables){ 0 };
    memcpy(t->at, empty, sizeof empty);
    for (size_t i = 0; i < AS_REPORT_TABLES; i++)
        t->at[i].file = as_report_table_files[i];
    as_arena_init(&t->arena, 0);
    for (size_t i = 0; rc == 0 && i < exams->n; i++)
        rc = add_evaluation(&t->at[AS_REPORT_EVALUATIONS], exams, i, err);
    for (size_t i = 0; rc == 0 && i < exams->n; i++)
        if (exams->at[i].first != i)
            rc = add_exam_levels(&t->at[AS_REPORT_LEVELS], &exams->at[i],
                                 &exams->at[exams->at[i].first], err);
    const bool is_told = t->at[AS_REPORT_LEVELS].n_rows > 0;
    for (size_t i = 0; rc == 0 && !is_told && i < runs->n; i++)
        rc = add_run_levels(t, &runs->at[i], err);
    return rc == 0 ? add_training(&t->at[AS_REPORT_TRAINING], runs, err) : rc;
}

void as_report_tables_fini(as_report_tables *t)
{
    for (size_t i = 0; i < AS_REPORT_TABLES; i++)
        as_report_table_fini(&t->at[i]);
    as_arena_fini(&t->arena);
    *t = (as_report_tables){ 0 };
}
