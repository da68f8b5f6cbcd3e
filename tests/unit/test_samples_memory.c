/* test_samples_memory.c -- samples given in memory make the same set as those of a file; what the
 * ones that were cut by length could have changed. SPDX-License-Identifier: Apache-2.0 */
#include "temp.h"

#include "base/mem.h"
#include "base/rng.h"
#include "eval/metrics.h"
#include "eval/passk.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { PROBLEMS = 9, EACH = 7 };

static const char *const words[] = { "pass", "fail", "no_answer", "timeout", "abstain", "error" };
static const assay_verdict verdicts[] = { ASSAY_PASS,    ASSAY_FAIL,    ASSAY_NO_ANSWER,
                                          ASSAY_TIMEOUT, ASSAY_ABSTAIN, ASSAY_ERROR };

/* Sample k of problem p. */
static as_scored_sample sample_of(unsigned p, unsigned k, char name[20], char key[20])
{
    as_rng r = as_rng_at(p, k);
    const unsigned what = (unsigned)(as_rng_u64(&r) % 6);
    const bool is_scored = what < 4;
    (void)snprintf(name, 20, "p%u", p);
    (void)snprintf(key, 20, "%u", what == 0 ? 0 : (unsigned)(as_rng_u64(&r) % 3));
    return (as_scored_sample){ .problem = as_str_of(name),
                               .run = k / 4,
                               .sample = k % 4,
                               .verdict = verdicts[what],
                               .score = is_scored ? (what == 0 ? 1.0F : 0.0F) : NAN,
                               .key = what == 2 ? (as_str){ 0 } : as_str_of(key),
                               .is_truncated = as_rng_u64(&r) % 2 };
}

static void write_line(FILE *f, const as_scored_sample *x)
{
    unsigned what = 0;
    while (verdicts[what] != x->verdict)
        what++;
    (void)fprintf(f, "{\"problem_id\":\"%s\",\"seed\":%u,\"sample_idx\":%u,\"verdict\":\"%s\"",
                  x->problem.data, (unsigned)x->run, (unsigned)x->sample, words[what]);
    if (!isnan(x->score))
        (void)fprintf(f, ",\"score\":%d", x->score > 0);
    if (x->key.data)
        (void)fprintf(f, ",\"key\":\"%s\"", x->key.data);
    (void)fprintf(f, ",\"finish_reason\":\"%s\"}\n", x->is_truncated ? "length" : "stop");
}

static void assert_same_problems(const as_sample_set *a, const as_sample_set *b)
{
    assert_int_equal(a->n_problems, b->n_problems);
    assert_int_equal(a->n_samples, b->n_samples);
    assert_int_equal(a->n_finish, b->n_finish);
    assert_true(a->has_keys == b->has_keys);
    assert_string_equal(a->format, b->format);
    for (size_t i = 0; i < a->n_problems; i++) {
        const as_problem *x = &a->problems[i], *y = &b->problems[i];
        assert_true(as_str_eq(x->id, y->id));
        const uint64_t of_x[] = { x->n,     x->c,     x->n_abstain, x->n_error,  x->n_truncated,
                                  x->n_cut, x->c_cut, x->n_blank,   x->n_classes };
        const uint64_t of_y[] = { y->n,     y->c,     y->n_abstain, y->n_error,  y->n_truncated,
                                  y->n_cut, y->c_cut, y->n_blank,   y->n_classes };
        assert_memory_equal(of_x, of_y, sizeof of_x);
        assert_true(x->sum_score >= y->sum_score && x->sum_score <= y->sum_score);
        uint64_t sum_x = 0,
                 sum_y = 0; /* classes stand in the order of their hashes, the same here */
        for (uint32_t c = 0; c < x->n_classes; c++) {
            sum_x = sum_x * 31 + x->class_counts[c];
            sum_y = sum_y * 31 + y->class_counts[c];
        }
        assert_int_equal(sum_x, sum_y);
    }
}

static as_samples *new_samples(void)
{
    const as_samples_options how = { .threads = 1, .stop_on_bad = true };
    as_samples *s = NULL;
    assert_int_equal(as_samples_new(&s, &how, NULL), 0);
    return s;
}

static void test_as_from_a_file(void **state)
{
    as_err err = { 0 };
    as_sample_set of_memory, of_file;
    char name[20], key[20];
    as_samples *memory = new_samples(), *file = new_samples();
    const char *path = temp_path("scores.jsonl");
    (void)state;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (unsigned p = 0; p < PROBLEMS; p++)
        for (unsigned k = 0; k < EACH; k++) {
            const as_scored_sample x = sample_of(p, k, name, key);
            assert_int_equal(as_samples_add(memory, &x, &err), 0);
            write_line(f, &x);
        }
    assert_int_equal(fclose(f), 0);
    assert_int_equal(as_samples_read(file, path, &err), 0);
    assert_int_equal(as_samples_finish(memory, &of_memory, &err), 0);
    assert_int_equal(as_samples_finish(file, &of_file, &err), 0);
    assert_same_problems(&of_memory, &of_file);
    as_samples_free(memory);
    as_samples_free(file);
}

static void test_twice(void **state)
{
    as_err err = { 0 };
    as_sample_set set;
    char name[20], key[20];
    as_samples *s = new_samples();
    (void)state;
    const as_scored_sample x = sample_of(1, 2, name, key);
    assert_int_equal(as_samples_add(s, &x, &err), 0);
    assert_int_equal(as_samples_add(s, &x, &err), 0);
    assert_int_equal(as_samples_finish(s, &set, &err), AS_EDATA);
    assert_non_null(strstr(err.text, "the same sample twice"));
    as_samples_free(s);
}

/* ---- samples that were cut ---- */

/* Of each problem n scored samples, c right; of these, n_cut and c_cut were cut. */
static const struct {
    uint64_t n, c, n_cut, c_cut;
} shapes[] = { { 4, 1, 0, 0 }, { 4, 1, 2, 1 }, { 4, 0, 4, 0 }, { 4, 4, 4, 4 }, { 4, 2, 1, 0 } };
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12))
        fail_msg("got %.15g, expected %.15g", got, want);
}

static void test_cut(void **state)
{
    as_err err = { 0 };
    as_arena arena;
    as_sample_set set;
    as_passk_summary sum;
    double finished = 0, most = 0, pass2 = 0;
    uint64_t n_finished = 0;
    as_samples *s = new_samples();
    (void)state;
    as_arena_init(&arena, 0);
    for (size_t i = 0; i < SHAPES; i++) {
        char name[20];
        (void)snprintf(name, sizeof name, "%zu", i);
        for (uint64_t k = 0; k < shapes[i].n; k++) {
            const bool is_right = k < shapes[i].c; /* right ones first: of them, c_cut were cut */
            const uint64_t wrong_cut = shapes[i].n_cut - shapes[i].c_cut;
            const as_scored_sample x = { .problem = as_str_of(name),
                                         .sample = k,
                                         .verdict = is_right ? ASSAY_PASS : ASSAY_FAIL,
                                         .score = is_right,
                                         .is_truncated = is_right ? k < shapes[i].c_cut
                                                                  : k - shapes[i].c < wrong_cut };
            assert_int_equal(as_samples_add(s, &x, &err), 0);
        }
        const uint64_t all = shapes[i].c + shapes[i].n_cut - shapes[i].c_cut;
        most += (double)all / 4 / SHAPES;
        pass2 += as_pass_at_k(4, all, 2) / SHAPES;
        if (shapes[i].n_cut == 4)
            continue; /* nothing of it ended by itself */
        finished += (double)(shapes[i].c - shapes[i].c_cut) / (double)(4 - shapes[i].n_cut);
        n_finished++;
    }
    assert_int_equal(as_samples_finish(s, &set, &err), 0);
    const as_passk_options o = { .threads = 1 };
    assert_int_equal(as_passk_summarise(&sum, &set, &o, &arena, &err), 0);
    assert_int_equal(sum.n_cut, 11);
    assert_int_equal(sum.n_cut_right, 5);
    near(sum.avg.mean, 8.0 / 20);
    near(sum.most.mean, most);
    near(sum.finished.mean, finished / (double)n_finished);
    assert_int_equal(sum.rows[1].k, 2);
    near(sum.rows[1].most.mean, pass2);
    near(sum.rows[0].most.mean, most);
    as_samples_free(s);
    as_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_from_a_file),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
