/* test_sampling.c -- Philox against the vectors of its authors, filters against goldens and
 * enumeration, the distribution of draws, and what a sample must not depend on.
 * SPDX-License-Identifier: Apache-2.0 */
#include "arrays.h"
#include "golden.h"

#include "kernels/philox.h"

#include <string.h>

static as_arena arena;
static k_device *dev;

static int open_all(void **state)
{
    (void)state;
    as_arena_init(&arena, 0);
    dev = device_of("naive-f64");
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    k_device_close(dev);
    as_arena_fini(&arena);
    return 0;
}

/* Random123's kat_vectors, philox4x32 10. */
static void philox_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } known[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
          { 0xffffffff, 0xffffffff },
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
          { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t got[4];
        k_philox(known[i].key, known[i].counter, got);
        assert_memory_equal(got, known[i].want, sizeof got);
    }
}

/* Every part of the key counts, in its place, and the host's generator agrees. */
static void draws(void **state)
{
    (void)state;
    const uint64_t seed = 0x0123456789abcdefull, prompt = 0xfedcba9876543210ull;
    const uint32_t key[2] = { 0x89abcdef, 0x01234567 },
                   counter[4] = { 7, 3, 0x76543210, 0xfedcba98 };
    uint32_t word[4];
    as_philox(key, counter, word);
    double want = (double)(((uint64_t)word[1] << 32 | word[0]) >> 11) / 9007199254740992.0;
    assert_true(k_draw(seed, prompt, 3, 7) == want);
    double sum = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        double u = k_draw(5, 1, 2, i);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    near_number(sum / 20000, 0.5, 5 * 0.2887 / sqrt(20000), "mean of draws");
}

typedef struct outcome {
    int32_t id;
    double logp, kept_logp, entropy;
} outcome;

static outcome sampled(const double *logits, int64_t vocab, int64_t n_valid, k_sample_row how)
{
    outcome o = { .id = -1, .logp = NAN, .kept_logp = NAN, .entropy = NAN };
    void *scratch = as_malloc(dev->ops->sample_scratch(dev, 1, vocab));
    k_sample a = { .type = K_F64, .rows = 1, .vocab = vocab, .n_valid = n_valid, .logits = logits };
    a.how = &how;
    a.ids = &o.id;
    a.logp = &o.logp;
    a.kept_logp = &o.kept_logp;
    a.entropy = &o.entropy;
    a.scratch = scratch;
    assert_int_equal(dev->ops->sample(dev, &a), K_OK);
    as_free(scratch);
    return o;
}

static void check_filter(const double *logits, size_t vocab, const cJSON *golden)
{
    size_t n, n_probs;
    int32_t *kept = golden_ids(golden_member(golden, "kept_ids"), &n);
    double *probs = golden_numbers(golden_member(golden, "probs"), &n_probs);
    k_sample_row how = { .seed = 9, .top_p = (float)golden_number(golden, "top_p") };
    how.temperature = (float)golden_number(golden, "temperature");
    how.top_k = (int32_t)golden_number(golden, "top_k");
    assert_int_equal(n, n_probs);
    double *seen = as_calloc(n, sizeof *seen);
    const uint32_t draws_n = 1500;
    for (uint32_t i = 0; i < draws_n; i++) {
        how.position = i;
        outcome o = sampled(logits, (int64_t)vocab, (int64_t)vocab, how);
        size_t at = 0;
        while (at < n && kept[at] != o.id)
            at++;
        if (at == n)
            fail_msg("token %d was sampled; the golden filters it out", o.id);
        near_number(exp(o.kept_logp), probs[at], 1e-6, "kept probability");
        seen[at]++;
    }
    for (size_t i = 0; i < n; i++) /* each as often as its probability says, within 5 sigma */
        near_number(seen[i] / draws_n, probs[i], 5 * sqrt(probs[i] / draws_n) + 1e-3, "frequency");
    as_free(seen);
    as_free(kept);
    as_free(probs);
}

static void golden_filters(void **state)
{
    (void)state;
    static const char *const models[] = { "tiny_qwen2", "tiny_llama", "tiny_qwen3" };
    for (size_t m = 0; m < 3; m++) {
        char name[80];
        (void)snprintf(name, sizeof name, "models/%s/golden.json", models[m]);
        cJSON *root = golden_json(name);
        size_t vocab;
        double *logits = golden_numbers(
            golden_member(cJSON_GetArrayItem(golden_member(root, "prompts"), 0), "logits_last"),
            &vocab);
        const cJSON *golden;
        cJSON_ArrayForEach(golden, golden_member(root, "sampling_filters"))
            check_filter(logits, vocab, golden);
        as_free(logits);
        cJSON_Delete(root);
    }
}

/* Which ids can come at all: everything in `logits` whose draw is tried often enough. Bits of a
 * mask. */
static unsigned reachable(const double *logits, int64_t vocab, k_sample_row how)
{
    unsigned mask = 0;
    for (how.position = 0; how.position < 2000; how.position++)
        mask |= 1u << sampled(logits, vocab, vocab, how).id;
    return mask;
}

static void filters_by_hand(void **state)
{
    (void)state;
    /* probabilities 0.4, 0.2, 0.2, 0.1, 0.1 */
    const double z[5] = { log(0.1), log(0.4), log(0.2), log(0.2), log(0.1) };
    const k_sample_row all = { .temperature = 1, .top_p = 1, .seed = 3 };
    k_sample_row how = all;
    assert_int_equal(reachable(z, 5, how), 0x1f);
    how.top_k = 2; /* of the two that are equal, the one with the smaller id */
    assert_int_equal(reachable(z, 5, how), 0x06);
    how.top_k = 9;
    assert_int_equal(reachable(z, 5, how), 0x1f);
    how = all;
    how.top_p = 0.59f; /* 0.4 + 0.2 passes it */
    assert_int_equal(reachable(z, 5, how), 0x06);
    how.top_p = 0.61f;
    assert_int_equal(reachable(z, 5, how), 0x0e);
    how.top_p = 0; /* the first always stays */
    assert_int_equal(reachable(z, 5, how), 0x02);
    const double alike[4] = { 0 };
    how.top_p = 0.5f; /* two of four quarters are enough */
    assert_int_equal(reachable(alike, 4, how), 0x03);
    how = all;
    how.top_k = 3; /* 0.5, 0.25, 0.25: top_p looks at what top_k left */
    how.top_p = 0.7f;
    assert_int_equal(reachable(z, 5, how), 0x06);
    how = all;
    how.min_p = 0.3f; /* of 0.4: 0.12 */
    assert_int_equal(reachable(z, 5, how), 0x0e);
    how.min_p = 0.2f;
    assert_int_equal(reachable(z, 5, how), 0x1f);
    how.min_p = 1;
    assert_int_equal(reachable(z, 5, how), 0x02);
    how = all;
    how.temperature = 0.5f; /* squares: min_p is of what the temperature made */
    how.min_p = 0.3f;
    assert_int_equal(reachable(z, 5, how), 0x02);
}

static void numbers_of_a_draw(void **state)
{
    (void)state;
    const double z[4] = { log(0.1), log(0.5), log(0.15), log(0.25) };
    k_sample_row how = { .temperature = 1, .top_p = 1, .seed = 1, .prompt = 2, .sample = 3 };
    for (how.position = 0; how.position < 200; how.position++) {
        double u = k_draw(1, 2, 3, how.position);
        outcome o = sampled(z, 4, 4, how);
        assert_int_equal(o.id, (u >= 0.1) + (u >= 0.6) + (u >= 0.75));
        near_number(o.logp, z[o.id], 1e-12, "logp");
        near_number(o.kept_logp, z[o.id], 1e-12, "kept logp");
        near_number(o.entropy, 1.2079737, 1e-6, "entropy");
    }
    how.top_k = 2; /* 0.5, 0.25 */
    outcome o = sampled(z, 4, 4, how);
    near_number(o.logp, z[o.id], 1e-12, "logp is of the whole distribution");
    near_number(o.kept_logp, z[o.id] - log(0.75), 1e-12, "kept logp");
    near_number(o.entropy, 1.2079737, 1e-6, "entropy is of the whole distribution");
    how.top_k = 0;
    how.temperature = 2;
    o = sampled(z, 4, 4, how);
    double total = sqrt(0.1) + sqrt(0.5) + sqrt(0.15) + sqrt(0.25);
    near_number(o.logp, z[o.id] / 2 - log(total), 1e-7, "logp at temperature 2");
}

static void greedy(void **state)
{
    (void)state;
    const double z[5] = { 1, 3, 2, 3, 7 };
    k_sample_row how = { .temperature = 0, .top_p = 0.1f, .top_k = 1 };
    outcome o = sampled(z, 5, 4, how); /* the fifth is padding: never drawn, in p as in training */
    assert_int_equal(o.id, 1);
    near_number(o.logp, 3 - log(exp(1) + 2 * exp(3) + exp(2) + exp(7)), 1e-12, "greedy logp");
    assert_true(o.kept_logp == 0);
    const double excluded[3] = { -INFINITY, 0, -INFINITY };
    how.temperature = 1;
    o = sampled(excluded, 3, 3, how);
    assert_int_equal(o.id, 1);
    near_number(o.logp, 0, 0, "the only one");
    near_number(o.entropy, 0, 0, "no choice");
}

/* Rows among others, in another order, and in float: the same ids. */
static void alone_or_in_a_batch(void **state)
{
    (void)state;
    enum { ROWS = 9, VOCAB = 37 };
    as_rng r = as_rng_at(4, 4);
    double *z = randoms(&arena, &r, (size_t)ROWS * VOCAB, 3);
    k_sample_row how[ROWS], turned[ROWS];
    double *z_turned = piece(&arena, (size_t)ROWS * VOCAB, sizeof *z_turned);
    for (uint32_t i = 0; i < ROWS; i++) {
        how[i] = (k_sample_row){ .seed = 8, .prompt = i / 3, .sample = i % 3, .position = 11 };
        how[i].temperature = 0.5f + 0.1f * (float)i;
        how[i].top_p = i % 2 ? 0.9f : 1;
        how[i].top_k = i % 3 ? 0 : 5;
        turned[ROWS - 1 - i] = how[i];
        memcpy(z_turned + (size_t)(ROWS - 1 - i) * VOCAB, z + (size_t)i * VOCAB, VOCAB * sizeof *z);
    }
    int32_t ids[ROWS], other[ROWS], in_float[ROWS];
    void *scratch = piece(&arena, 1, dev->ops->sample_scratch(dev, ROWS, VOCAB));
    k_sample a = {
        .type = K_F64, .rows = ROWS, .vocab = VOCAB, .n_valid = VOCAB, .scratch = scratch
    };
    a.logits = z, a.how = how, a.ids = ids;
    assert_int_equal(dev->ops->sample(dev, &a), K_OK);
    a.logits = z_turned, a.how = turned, a.ids = other;
    assert_int_equal(dev->ops->sample(dev, &a), K_OK);
    k_device *f32 = device_of("naive-f32");
    a.type = K_F32;
    a.logits = typed(&arena, z, (size_t)ROWS * VOCAB, K_F32), a.how = how, a.ids = in_float;
    assert_int_equal(f32->ops->sample(f32, &a), K_OK);
    k_device_close(f32);
    unsigned different = 0;
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(ids[i], other[ROWS - 1 - i]);
        assert_int_equal(ids[i], in_float[i]);
        assert_int_equal(ids[i], sampled(z + (ptrdiff_t)i * VOCAB, VOCAB, VOCAB, how[i]).id);
        different += ids[i] != ids[0];
    }
    assert_true(different > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers), cmocka_unit_test(draws),
        cmocka_unit_test(golden_filters),       cmocka_unit_test(filters_by_hand),
        cmocka_unit_test(numbers_of_a_draw),    cmocka_unit_test(greedy),
        cmocka_unit_test(alone_or_in_a_batch),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
