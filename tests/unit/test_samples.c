/* test_samples.c -- the readers: five formats, merging, what is refused and why.
 * SPDX-License-Identifier: Apache-2.0 */
#include "eval/samples.h"

#include "base/file.h"
#include "base/mem.h"
#include "eval/metrics.h"
#include "temp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct reading {
    as_samples *s;
    as_sample_set set;
    as_err err;
    int rc;
} reading;

static const char *file(const char *name, const char *text)
{
    const char *path = temp_path(name);
    assert_int_equal(as_file_write_atomic(path, as_str_of(text), NULL), 0);
    return path;
}

static reading read_files(const as_samples_options *options, const char *const *paths)
{
    reading r = { 0 };
    r.rc = as_samples_new(&r.s, options, &r.err);
    for (; *paths && r.rc == 0; paths++)
        r.rc = as_samples_read(r.s, *paths, &r.err);
    if (r.rc == 0)
        r.rc = as_samples_finish(r.s, &r.set, &r.err);
    return r;
}

static reading read_text(const char *text)
{
    as_samples_options options = { .stop_on_bad = true, .threads = 2 };
    const char *paths[] = { file("one.jsonl", text), NULL };
    return read_files(&options, paths);
}

static void refuses(const char *text, int rc, const char *words)
{
    reading r = read_text(text);
    if (r.rc != rc || !strstr(r.err.text, words))
        fail_msg("%s\n gave %d \"%s\", expected %d \"...%s...\"", text, r.rc, r.err.text, rc,
                 words);
    as_samples_free(r.s);
}

static const as_problem *problem(const reading *r, const char *id)
{
    for (size_t i = 0; i < r->set.n_problems; i++)
        if (as_str_is(r->set.problems[i].id, id))
            return &r->set.problems[i];
    fail_msg("no problem %s", id);
    return NULL;
}

static void counts(const as_problem *p, uint64_t n, uint64_t c, uint64_t n_abstain,
                   uint64_t n_error)
{
    assert_int_equal(p->n, n);
    assert_int_equal(p->c, c);
    assert_int_equal(p->n_abstain, n_abstain);
    assert_int_equal(p->n_error, n_error);
}

static void own_results(void **state)
{
    (void)state;
    reading r = read_text(
        "{\"id\":1,\"group\":\"a\",\"verdict\":\"pass\",\"score\":1,\"key\":\"42\",\"metrics\":{"
        "\"chance\":0.25}}\n"
        "{\"id\":2,\"group\":\"a\",\"verdict\":\"fail\",\"score\":0.25,\"key\":\"7\",\"finish_"
        "reason\":\"length\"}\n"
        "{\"id\":3,\"group\":\"a\",\"verdict\":\"fail\",\"score\":0,\"key\":\"\\u0037\",\"finish_"
        "reason\":\"stop\"}\n"
        "{\"id\":4,\"group\":\"a\",\"verdict\":\"fail\",\"score\":0,\"key\":\"8\"}\n"
        "{\"id\":5,\"group\":\"a\",\"verdict\":\"no_answer\",\"score\":0,\"key\":null}\n"
        "{\"id\":6,\"group\":\"a\",\"verdict\":\"timeout\",\"score\":0,\"key\":\"  \"}\n"
        "{\"id\":7,\"group\":\"a\",\"verdict\":\"abstain\",\"score\":null}\n"
        "{\"id\":8,\"group\":\"a\",\"verdict\":\"error\",\"score\":null,\"key\":\"7\"}\n"
        "\n"
        "{\"id\":9,\"group\":\"b\",\"verdict\":\"error\",\"score\":null,\"reason\":\"x\"}\n");
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.set.n_problems, 2);
    assert_int_equal(r.set.n_samples, 9);
    assert_string_equal(r.set.format, "assay");
    assert_true(r.set.has_keys);
    const as_problem *a = problem(&r, "a");
    counts(a, 6, 1, 1, 1);
    counts(problem(&r, "b"), 0, 0, 0, 1);
    assert_int_equal(a->n_blank, 2);
    assert_int_equal(a->n_classes, 3); /* right; 7, once written with an escape; 8 */
    assert_int_equal(a->class_counts[0], 1);
    assert_int_equal(a->class_counts[1] + a->class_counts[2], 3);
    assert_int_equal(a->class_counts[1] * a->class_counts[2], 2);
    assert_true(fabs(a->sum_score - 1.25) < 1e-12);
    assert_true(a->chance == 0.25 && isnan(problem(&r, "b")->chance));
    assert_int_equal(a->n_truncated, 1);
    assert_int_equal(r.set.n_finish, 2);
    assert_int_equal(r.set.n_by_id, 0);
    as_samples_free(r.s);
}

static void own_names(void **state)
{
    (void)state;
    reading r =
        read_text("{\"problem_id\":7,\"seed\":1,\"sample_idx\":0,\"correct\":1}\n"
                  "{\"problem_id\":\"7\",\"seed\":2,\"sample_idx\":0,\"correct\":false}\n"
                  "{\"task_id\":\"\\u0037\",\"run\":\"x\",\"sample_idx\":0,\"verdict\":\"pass\"}\n"
                  "{\"problem_id\":7,\"seed\":1,\"sample_idx\":1,\"correct\":null}\n"
                  "{\"id\":\"8\",\"verdict\":\"pass\"}\n");
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.set.n_problems, 2); /* 7, "7" and "\u0037" are one name */
    counts(problem(&r, "7"), 3, 2, 0, 1);
    assert_int_equal(r.set.n_by_id, 1);
    assert_false(r.set.has_keys);
    as_samples_free(r.s);
}

static void human_eval(void **state)
{
    (void)state;
    reading r = read_text(
        "{\"task_id\":\"HumanEval/0\",\"completion\":\"a\",\"result\":\"passed\",\"passed\":true}\n"
        "{\"task_id\":\"HumanEval/0\",\"completion\":\"a\",\"result\":\"timed "
        "out\",\"passed\":false}\n"
        "{\"task_id\":\"HumanEval/1\",\"completion\":\"c\",\"result\":\"failed: "
        "x\",\"passed\":false}\n");
    assert_int_equal(r.rc, 0);
    assert_string_equal(r.set.format, "human-eval");
    counts(problem(&r, "HumanEval/0"), 2, 1, 0, 0);
    counts(problem(&r, "HumanEval/1"), 1, 0, 0, 0);
    as_samples_free(r.s);
}

static const char evalplus_text[] =
    "{\"date\":\"d\",\"hash\":\"h\",\"eval\":{\n \"HumanEval/0\":[\n"
    "  "
    "{\"solution\":\"s\",\"base_status\":\"pass\",\"plus_status\":\"fail\",\"plus_fail_tests\":[[1]"
    "]},\n"
    "  {\"solution\":\"t\",\"base_status\":\"pass\",\"plus_status\":\"pass\"},\n"
    "  {\"solution\":\"u\",\"base_status\":\"timeout\",\"plus_status\":\"pass\"}\n ],\n"
    " \"HumanEval/1\":[]}}\n";

static void evalplus(void **state)
{
    (void)state;
    as_samples_options options = { .stop_on_bad = true };
    char flat[sizeof evalplus_text];
    memcpy(flat, evalplus_text, sizeof flat);
    for (size_t i = 0; i + 2 < sizeof flat; i++)
        if (flat[i] == '\n')
            flat[i] = ' ';
    for (int i = 0; i < 4; i++) { /* indented or on one line; all tests or the base ones */
        const char *paths[] = { file("e.json", i % 2 ? evalplus_text : flat), NULL };
        options.tests = i < 2 ? "plus" : "base";
        reading r = read_files(&options, paths);
        assert_int_equal(r.rc, 0);
        assert_string_equal(r.set.format, "EvalPlus");
        counts(problem(&r, "HumanEval/0"), 3, i < 2 ? 1 : 2, 0,
               0); /* plus counts on top of base only */
        counts(problem(&r, "HumanEval/1"), 0, 0, 0, 0);
        as_samples_free(r.s);
    }
    refuses("{\"eval\":{\"x\":[{\"base_status\":\"pass\"}]}}\n", AS_EDATA, "--tests base");
    refuses("{\"eval\":{\"x\":[{\"base_status\":\"yes\",\"plus_status\":\"pass\"}]}}\n", AS_EDATA,
            "sample 0");
    refuses("{\"eval\":{\"x\":3}}\n", AS_EDATA, "list of samples");
}

static void limit_of_rlvr(void **state)
{
    (void)state;
    reading r = read_text(
        "{\"idx\":0,\"gt\":\"4\",\"score\":[true,false,true],\"pred\":[\"4\",\"5\",\"4\"],"
        "\"code\":[\"x\",\"y\",\"z\"],\"finish_reason\":[\"stop\",\"length\",\"stop\"]}\n"
        "{\"idx\":1,\"score\":[false,null],\"pred\":[\"\",\"1\"],\"code\":[\"x\",\"y\"]}\n"
        "{\"idx\":2,\"score\":[],\"pred\":[],\"code\":[]}\n");
    assert_int_equal(r.rc, 0);
    assert_string_equal(r.set.format, "limit-of-RLVR");
    assert_int_equal(r.set.n_problems, 3);
    counts(problem(&r, "0"), 3, 2, 0, 0);
    counts(problem(&r, "1"), 1, 0, 0, 1); /* its own n: short rows are not padded */
    counts(problem(&r, "2"), 0, 0, 0, 0);
    assert_int_equal(problem(&r, "0")->n_truncated, 1);
    assert_int_equal(problem(&r, "1")->n_blank, 1);
    as_samples_free(r.s);
    refuses("{\"idx\":0,\"score\":[true,false],\"pred\":[\"4\"]}\n", AS_EDATA, "fewer entries");
    refuses("{\"idx\":0,\"score\":[true],\"pred\":[\"4\",\"5\"]}\n", AS_EDATA, "more entries");
    refuses("{\"idx\":0,\"score\":[\"yes\"]}\n", AS_EDATA, "\"yes\"");
    refuses("{\"idx\":0,\"score\":[]}\n", AS_EDATA, "no samples");
    refuses("{\"score\":[true]}\n", AS_EDATA, "idx");
    refuses("{\"idx\":1,\"score\":[true]}\n{\"idx\":\"1\",\"score\":[false]}\n", AS_EDATA,
            "or put into one file?");
}

static const char lm_eval_text[] =
    "{\"doc_id\":0,\"doc_hash\":\"h0\",\"resps\":[[\"a "
    "18\"]],\"filtered_resps\":[\"18\"],\"filter\":\"strict\","
    "\"metrics\":[\"exact_match\",\"f1\"],\"exact_match\":1.0,\"f1\":0.5}\n"
    "{\"doc_id\":0,\"doc_hash\":\"h0\",\"resps\":[[\"a "
    "18\"]],\"filtered_resps\":[\"18\"],\"filter\":\"flexible\","
    "\"metrics\":[\"exact_match\",\"f1\"],\"exact_match\":0.0,\"f1\":0.5}\n"
    "{\"doc_id\":1,\"doc_hash\":\"h1\",\"resps\":[[\"b\"]],\"filtered_resps\":[\"[invalid]\"],"
    "\"filter\":\"strict\","
    "\"metrics\":[\"exact_match\",\"f1\"],\"exact_match\":0.0,\"f1\":1}\n";

static void lm_eval(void **state)
{
    (void)state;
    as_samples_options options = { .stop_on_bad = true, .filter = "strict" };
    const char *paths[] = { file("l.jsonl", lm_eval_text), NULL };
    reading r = read_files(&options, paths);
    assert_int_equal(r.rc, 0);
    assert_string_equal(r.set.format, "lm-eval");
    assert_int_equal(r.set.n_samples, 2);
    counts(problem(&r, "0"), 1, 1, 0, 0);
    counts(problem(&r, "1"), 1, 0, 0, 0);
    as_samples_free(r.s);
    options.filter = "flexible";
    r = read_files(&options, paths);
    assert_int_equal(r.rc, 0);
    counts(problem(&r, "0"), 1, 0, 0, 0);
    as_samples_free(r.s);
    refuses(lm_eval_text, AS_EUSAGE, "(strict, flexible): choose one with --filter");
    options.filter = "loose";
    r = read_files(&options, paths);
    assert_int_equal(r.rc, AS_EUSAGE);
    assert_non_null(strstr(r.err.text, "no filter \"loose\" (known: strict, flexible)"));
    as_samples_free(r.s);
    options = (as_samples_options){ .stop_on_bad = true, .filter = "strict", .metric = "f1" };
    r = read_files(&options, paths);
    assert_int_equal(r.rc, AS_EDATA);
    assert_non_null(strstr(r.err.text, "l.jsonl:1: the metric is 0.5"));
    as_samples_free(r.s);
    options.metric = "acc";
    r = read_files(&options, paths);
    assert_int_equal(r.rc, AS_EDATA);
    assert_non_null(strstr(r.err.text, "no metric \"acc\" (known: \"exact_match\", \"f1\")"));
    as_samples_free(r.s);
}

static void merging(void **state)
{
    (void)state;
    as_samples_options options = { .stop_on_bad = true };
    const char *one =
        "{\"problem_id\":\"p\",\"seed\":1,\"sample_idx\":0,\"correct\":1,\"completion\":\"t\"}\n"
        "{\"problem_id\":\"p\",\"seed\":1,\"sample_idx\":1,\"correct\":0,\"completion\":\"u\"}\n";
    const char *two =
        "{\"problem_id\":\"p\",\"seed\":2,\"sample_idx\":0,\"correct\":1,\"completion\":\"t\"}\n"
        "{\"problem_id\":\"q\",\"seed\":2,\"sample_idx\":1,\"correct\":0,\"completion\":\"u\"}\n";
    const char *clash = "\n{\"problem_id\":\"q\",\"seed\":3,\"sample_idx\":1,\"correct\":0}\n"
                        "{\"problem_id\":\"p\",\"seed\":1,\"sample_idx\":1,\"correct\":1}\n";
    const char *paths[] = { file("1.jsonl", one), file("2.jsonl", two), NULL, NULL };
    reading r = read_files(&options, paths);
    assert_int_equal(r.rc, 0);
    counts(problem(&r, "p"), 3, 2, 0, 0);
    counts(problem(&r, "q"), 1, 0, 0, 0);
    assert_int_equal(r.set.n_files, 2);
    assert_int_equal(r.set.n_texts, 4);
    assert_int_equal(r.set.n_duplicate_texts,
                     2); /* "t" of p stands in both runs; "u" answers two problems */
    as_samples_free(r.s);
    paths[1] = file("3.jsonl", clash);
    r = read_files(&options, paths);
    assert_int_equal(r.rc, AS_EDATA);
    assert_non_null(strstr(r.err.text, "1.jsonl:2"));
    assert_non_null(strstr(r.err.text, "3.jsonl:3"));
    assert_non_null(strstr(r.err.text, "were two runs made with one seed?"));
    as_samples_free(r.s);
}

/* Files that name no run are runs; but not twice the same one. */
static void files_as_runs(void **state)
{
    (void)state;
    as_samples_options options = { .stop_on_bad = true };
    const char *one = "{\"id\":\"p\",\"verdict\":\"pass\",\"ms\":1}\n",
               *two = "{\"id\":\"p\",\"verdict\":\"fail\",\"ms\":1}\n";
    const char *paths[] = { file("1.jsonl", one), file("2.jsonl", two), NULL };
    reading r = read_files(&options, paths);
    assert_int_equal(r.rc, 0);
    counts(problem(&r, "p"), 2, 1, 0, 0);
    as_samples_free(r.s);
    paths[1] = file("copy.jsonl", one);
    r = read_files(&options, paths);
    assert_int_equal(r.rc, AS_EDATA);
    assert_non_null(strstr(r.err.text, "have the same lines"));
    as_samples_free(r.s);
    refuses("{\"id\":\"p\",\"verdict\":\"pass\"}\n{\"id\":\"p\",\"verdict\":\"fail\"}\n", AS_EDATA,
            "the same sample twice");
}

static void bad_input(void **state)
{
    (void)state;
    refuses("", AS_EDATA, "empty");
    refuses("\n\n", AS_EDATA, "empty");
    refuses("hello\n", AS_EDATA, "one.jsonl:1: column 1");
    refuses("[1,2]\n", AS_EDATA, "not a JSON object");
    refuses("{\n\"x\":1}\n", AS_EDATA, "known format");
    refuses("{\n\"x\":\n", AS_EDATA, "column");
    refuses("{\"x\":1}\n", AS_EDATA, "known format");
    refuses("{\"id\":1,\"completion\":\"x\"}\n", AS_EDATA, "assay verify");
    refuses("{\"id\":1,\"verdict\":\"passed\"}\n", AS_EDATA, "unknown verdict \"passed\"");
    refuses("{\"id\":1,\"verdict\":\"pass\"}\n{\"id\":2}\n", AS_EDATA,
            "one.jsonl:2: no \"verdict\"");
    refuses("{\"verdict\":\"pass\"}\n", AS_EDATA, "whose answer");
    refuses("{\"id\":[1],\"verdict\":\"pass\"}\n", AS_EDATA, "\"id\" is neither");
    refuses("{\"id\":1,\"verdict\":\"pass\",\"verdict\":\"fail\"}\n", AS_EDATA,
            "twice in one record");
    refuses("{\"id\":1,\"verdict\":\"pass\",\"score\":\"1\"}\n", AS_EDATA, "\"score\"");
    refuses("{\"id\":1,\"verdict\":\"pass\",\"metrics\":{\"chance\":2}}\n", AS_EDATA, "chance");
    refuses("{\"id\":1,\"correct\":2}\n", AS_EDATA, "\"correct\"");
    refuses("{\"task_id\":\"a\",\"passed\":\"yes\"}\n", AS_EDATA, "\"passed\"");
    refuses("{\"id\":1,\"verdict\":\"pass\"}\n{\"id\":2,\"verdict\":\"pa", AS_EDATA,
            "one.jsonl:2: the last line is cut short");
    refuses("{\"id\":1,\"verdict\":\"pass\",\"key\":\"\xff\"}\n", AS_EDATA, "not UTF-8");
    as_samples_options options = { .stop_on_bad = true };
    const char *paths[] = { temp_path("absent.jsonl"), NULL };
    reading r = read_files(&options, paths);
    assert_int_equal(r.rc, AS_EIO);
    as_samples_free(r.s);
}

static void bad_lines_may_be_skipped(void **state)
{
    (void)state;
    as_samples_options options = { .stop_on_bad = false };
    const char *paths[] = {
        file("b.jsonl", "nonsense\n{\"id\":1,\"verdict\":\"pass\"}\n{\"id\":2,\"verdict\":\"?\"}\n"
                        "{\"id\":3,\"verdict\":\"fail\"}\n{\"id\":4,"),
        NULL
    };
    reading r = read_files(&options, paths);
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.set.n_samples, 2);
    assert_int_equal(r.set.n_bad, 3);
    as_samples_free(r.s);
}

/* Many chunks, by any number of threads: every count comes out, and so does the first of two
 * clashes. */
static void many_samples(void **state)
{
    (void)state;
    enum { P = 300, N = 120 };
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 24);
    for (unsigned s = 0; s < N; s++)
        for (unsigned p = 0; p < P; p++)
            as_buf_addf(&text,
                        "{\"id\":\"%u-%u\",\"group\":%u,\"verdict\":\"%s\",\"key\":\"%u\"}\n", p, s,
                        p, (s * 7 + p) % N < p % N ? "pass" : "fail", (s + p) % 11);
    for (unsigned threads = 1; threads <= 3; threads++) {
        as_samples_options options = { .stop_on_bad = true, .threads = threads };
        const char *paths[] = { file("many.jsonl", text.data), NULL };
        reading r = read_files(&options, paths);
        assert_int_equal(r.rc, 0);
        assert_int_equal(r.set.n_problems, P);
        for (unsigned p = 0; p < P; p++) {
            const as_problem *one = &r.set.problems[p];
            uint64_t sum = 0;
            counts(one, N, p % N, 0, 0); /* s * 7 + p runs through all residues of N */
            for (uint32_t i = 0; i < one->n_classes; i++)
                sum += one->class_counts[i];
            assert_int_equal(sum, N);
            assert_int_equal(one->class_counts[0], p % N);
            assert_true(one->n_classes <= 12);
        }
        as_samples_free(r.s);
    }
    as_buf_text(&text, "{\"id\":\"5-7\",\"group\":5,\"verdict\":\"pass\"}\n{\"id\":\"4-3\","
                       "\"group\":4,\"verdict\":\"pass\"}\n");
    reading r = read_text(text.data);
    assert_int_equal(r.rc, AS_EDATA);
    assert_non_null(strstr(r.err.text, "one.jsonl:2106 ")); /* 7 * 300 + 5 + 1 */
    assert_non_null(strstr(r.err.text, "one.jsonl:36001 (problem 5)"));
    as_samples_free(r.s);
}

/* The figures do not depend on threads, nor a k's figure on the other k. */
static void summaries(void **state)
{
    (void)state;
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 24);
    for (unsigned p = 0; p < 20; p++)
        for (unsigned s = 0; s < 200; s++)
            as_buf_addf(&text, "{\"id\":%u,\"group\":%u,\"verdict\":\"%s\",\"key\":\"%u\"}\n",
                        p * 200 + s, p, s * 37 % 200 < p * 10 ? "pass" : "fail", s % 5);
    reading r = read_text(text.data);
    assert_int_equal(r.rc, 0);
    const uint64_t one_k[] = { 128 }, half[] = { 100, 101 };
    const double taus[] = { 0.5 };
    as_arena arena;
    as_arena_init(&arena, 0);
    as_passk_summary a, b;
    as_passk_options how = { .taus = taus, .n_taus = 1, .draws = 200, .seed = 5, .threads = 1 };
    assert_int_equal(as_passk_summarise(&a, &r.set, &how, &arena, NULL), 0);
    how.threads = 3;
    how.ks = one_k;
    how.n_ks = 1;
    assert_int_equal(as_passk_summarise(&b, &r.set, &how, &arena, NULL), 0);
    assert_int_equal(a.n_rows, 8); /* 1 .. 128 */
    assert_int_equal(a.rows[7].k, 128);
    assert_memory_equal(&a.rows[7].pass, &b.rows[0].pass, sizeof(as_interval));
    assert_memory_equal(&a.rows[7].maj, &b.rows[0].maj, sizeof(as_interval));
    assert_memory_equal(&a.cover[0], &b.cover[0], sizeof(as_interval));
    assert_true(a.rows[7].is_high_variance && !a.rows[6].is_high_variance);
    assert_true(fabs(a.avg.mean - 0.475) < 1e-12 && fabs(a.solved.mean - 0.95) < 1e-12);
    assert_true(fabs(a.cover[0].mean - 0.5) < 1e-12); /* 100 of 200 and more: p = 10 .. 19 */
    assert_true(a.rows[0].pass.mean == a.rows[0].hat.mean &&
                a.rows[0].pass.low <= a.rows[0].pass.mean);
    how.ks = half;
    how.n_ks = 2;
    assert_int_equal(as_passk_summarise(&b, &r.set, &how, &arena, NULL), 0);
    assert_true(!b.rows[0].is_high_variance &&
                b.rows[1].is_high_variance); /* half of n is not above it */
    as_arena_fini(&arena);
    as_samples_free(r.s);
}

/* Short answers repeat within a run without anything being wrong: only what two runs share counts.
 */
static void repeated_texts(void **state)
{
    (void)state;
    reading r =
        read_text("{\"group\":\"p\",\"seed\":1,\"sample_idx\":0,\"correct\":1,\"text\":\"t\"}\n"
                  "{\"group\":\"p\",\"seed\":1,\"sample_idx\":1,\"correct\":1,\"text\":\"t\"}\n"
                  "{\"group\":\"p\",\"seed\":1,\"sample_idx\":2,\"correct\":1,\"text\":\"s\"}\n"
                  "{\"group\":\"p\",\"seed\":2,\"sample_idx\":0,\"correct\":1,\"text\":\"s\"}\n");
    assert_int_equal(r.rc, 0);
    assert_int_equal(r.set.n_texts, 4);
    assert_int_equal(r.set.n_duplicate_texts, 2);
    as_samples_free(r.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_results),    cmocka_unit_test(own_names),
        cmocka_unit_test(human_eval),     cmocka_unit_test(evalplus),
        cmocka_unit_test(limit_of_rlvr),  cmocka_unit_test(lm_eval),
        cmocka_unit_test(merging),        cmocka_unit_test(files_as_runs),
        cmocka_unit_test(bad_input),      cmocka_unit_test(bad_lines_may_be_skipped),
        cmocka_unit_test(many_samples),   cmocka_unit_test(summaries),
        cmocka_unit_test(repeated_texts),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
