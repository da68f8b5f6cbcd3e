/* fuzz_math_judge.c -- reference (the first line) and completion (the rest), from text to ruling:
 * the same ruling from a judge that has ruled before and from one that has not, the same key, keys
 * that are the same as themselves, a reference that answers itself.
 *
 * FUZZ_SLOW_MS=50 in the environment: what takes longer than that (processor time of one ruling)
 * is a finding too. SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "math/judge.h"

#include <string.h>
#include <time.h>

typedef struct answer {
    ruling ruling; /* of found answers only */
    bool found;
    pc_buf key;
} answer;

static judge used;
static answer first, second;
static pc_buf explained, whole;

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void check_quick(double since, const char *what)
{
    const char *limit = getenv("FUZZ_SLOW_MS");
    double ms = now_ms() - since;
    if (!limit || ms <= strtod(limit, NULL))
        return;
    (void)fprintf(stderr, "%s took %.1f ms\n", what, ms);
    abort();
}

static void ask(judge *j, const judge_config *c, assay_str completion, assay_str reference,
                answer *out)
{
    double start = now_ms();
    out->found = judge_find(j, c, completion);
    FUZZ_CHECK(out->found || j->found.why);
    if (!out->found)
        return;
    FUZZ_CHECK(judge_read(j, c));
    check_quick(start, "reading");
    out->ruling = judge_rule(j, c, reference);
    check_quick(start, "ruling");
    start = now_ms();
    pc_buf_clear(&out->key);
    judge_key(j, &out->key);
    check_quick(start, "key");
    FUZZ_CHECK(out->key.len >= 2 && !out->key.failed);
    FUZZ_CHECK(out->ruling.verdict == ASSAY_PASS || out->ruling.verdict == ASSAY_FAIL ||
               out->ruling.verdict == ASSAY_ABSTAIN);
    FUZZ_CHECK((out->ruling.verdict == ASSAY_PASS) == (out->ruling.finding.truth == MATH_EQUAL));
    FUZZ_CHECK(out->ruling.finding.rule &&
               (out->ruling.verdict == ASSAY_PASS || out->ruling.reason));
}

static void check_same(const answer *x, const answer *y)
{
    FUZZ_CHECK(x->found == y->found);
    if (!x->found)
        return;
    FUZZ_CHECK(x->ruling.verdict == y->ruling.verdict && x->ruling.in_prose == y->ruling.in_prose);
    FUZZ_CHECK(strcmp(x->ruling.finding.rule, y->ruling.finding.rule) == 0);
    FUZZ_CHECK(pc_eq(pc_buf_str(&x->key), pc_buf_str(&y->key)));
}

static void check_explained(judge *j, const answer *a)
{
    pc_buf_clear(&explained);
    judge_explain(j, &a->ruling, &explained);
    FUZZ_CHECK(!explained.failed && explained.len > 0);
}

/* With a policy that tolerates nothing, twice by the same judge and once by a new one. */
static void check(const judge_config *c, assay_str completion, assay_str reference)
{
    judge fresh;
    memset(&fresh, 0, sizeof fresh);
    ask(&used, c, completion, reference, &first);
    if (first.found)
        check_explained(&used, &first);
    ask(&used, c, completion, reference, &second);
    check_same(&first, &second);
    ask(&fresh, c, completion, reference, &second);
    check_same(&first, &second);
    judge_fini(&fresh);
}

/* The reference in a box, and the keys of both answers. */
static void check_keys(const judge_config *c, assay_str reference)
{
    pc_buf_clear(&whole);
    pc_buf_text(&whole, "\\boxed{");
    pc_buf_add(&whole, reference.data, reference.len);
    pc_buf_byte(&whole, '}');
    ask(&used, c, pc_buf_str(&whole), reference, &second);
    if (!second.found)
        return;
    assay_str gold = pc_buf_str(&used.gold.text), found = pc_buf_str(&used.answer.text);
    FUZZ_CHECK(!gold.len || !pc_eq(gold, found) || second.ruling.verdict == ASSAY_PASS);
    assay_str key = pc_buf_str(&second.key);
    FUZZ_CHECK(judge_same(&used, key, key) == 1);
    if (!first.found)
        return;
    double start = now_ms();
    int ab = judge_same(&used, pc_buf_str(&first.key), key);
    check_quick(start, "same");
    FUZZ_CHECK(ab == 0 || ab == 1);
    FUZZ_CHECK(ab == 1 || !pc_eq(pc_buf_str(&first.key), key));
}

static void set_config(judge_config *c, size_t size)
{
    unsigned n = 1; /* there is one at least */
    while (pc_preset_names[n])
        n++;
    memset(c, 0, sizeof *c);
    FUZZ_CHECK(pc_rules_preset(&c->rules, pc_preset_names[size % n]));
    c->shortcuts = size % 2 == 0;
    c->policy.square_free = size % 5 != 0;
    c->policy.gold_shape = size % 7 == 0;
    c->policy.half_ulp = size % 11 == 0;
    c->policy.relative = size % 13 == 0 ? 1e-4 : 0;
    c->policy.digits = size % 17 == 0 ? 6 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    char *copy = malloc(size + 1);
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    copy[size] = 0;
    const char *nl = memchr(copy, '\n', size);
    size_t n = nl ? (size_t)(nl - copy) : size;
    assay_str reference = { copy, n }, completion = { nl ? nl + 1 : "", nl ? size - n - 1 : 0 };
    judge_config c;
    set_config(&c, 0); /* the default */
    FUZZ_CHECK(pc_is_blank(reference) || judge_is_reference(&c, reference, reference));
    check(&c, completion, reference);
    check_keys(&c, reference);
    set_config(&c, size);
    check(&c, completion, reference);
    free(copy);
    return 0;
}
