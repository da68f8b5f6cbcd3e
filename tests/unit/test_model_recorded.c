/* test_model_recorded.c -- decoding on a device that makes recordings, which a backend of this test
 * does by keeping the arguments: the same samples to the bit, from few recordings, all of them
 * forgotten; and numbers that are none end with a sentence. SPDX-License-Identifier: Apache-2.0 */
#include "tiny_model.h"

#include "model/generate.h"
#include "model/lanes.h"

/* ---- a device that keeps operations ---- */

enum { MOST_KEPT = 400 };

typedef union arguments {
    k_embed embed;
    k_rmsnorm rmsnorm;
    k_rope rope;
    k_gemm gemm_nt;
    k_kv_append kv_append;
    k_attn_paged attn_paged;
    k_swiglu swiglu;
    k_copy_rows copy_rows;
    k_sample sample;
} arguments;

typedef struct kept {
    int (*issue)(k_device *dev, const arguments *a);
    arguments a;
} kept;

struct k_recording {
    kept all[MOST_KEPT];
    int n;
};

static const k_backend *below;
static k_recording *now; /* being made */
static int n_alive, n_made, n_played, n_copies, n_waits;
static bool cannot_record;

#define KEPT(name, type)                                                                           \
    static int issue_##name(k_device *dev, const arguments *a)                                     \
    {                                                                                              \
        return below->name(dev, &a->name);                                                         \
    }                                                                                              \
    static int keep_##name(k_device *dev, const type *a)                                           \
    {                                                                                              \
        if (!now)                                                                                  \
            return below->name(dev, a);                                                            \
        assert_true(now->n < MOST_KEPT);                                                           \
        now->all[now->n].issue = issue_##name;                                                     \
        now->all[now->n++].a.name = *a;                                                            \
        return K_OK;                                                                               \
    }
KEPT(embed, k_embed)
KEPT(rmsnorm, k_rmsnorm)
KEPT(rope, k_rope)
KEPT(gemm_nt, k_gemm)
KEPT(kv_append, k_kv_append)
KEPT(attn_paged, k_attn_paged)
KEPT(swiglu, k_swiglu)
KEPT(copy_rows, k_copy_rows)
KEPT(sample, k_sample)

static int record(k_device *dev)
{
    (void)dev;
    assert_null(now);
    now = as_calloc(1, sizeof *now);
    assert_non_null(now);
    n_alive++;
    return K_OK;
}

static void forget(k_device *dev, k_recording *what)
{
    (void)dev;
    n_alive -= what != NULL;
    as_free(what);
}

static int recorded(k_device *dev, k_recording **out)
{
    *out = AS_STEAL(now);
    n_made++;
    if (!cannot_record)
        return K_OK;
    forget(dev, AS_STEAL(*out));
    return K_EDEVICE;
}

static int play(k_device *dev, k_recording *what)
{
    int rc = 0;
    for (int i = 0; i < what->n && rc == 0; i++)
        rc = what->all[i].issue(dev, &what->all[i].a);
    n_played++;
    return rc;
}

static int copy_to(k_device *dev, void *to, const void *from, size_t size)
{
    n_copies++;
    return now ? K_EARG : below->copy_to(dev, to, from, size);
}

static int copy_from(k_device *dev, void *to, const void *from, size_t size)
{
    n_waits++;
    return now ? K_EARG : below->copy_from(dev, to, from, size);
}

/* The model's device, with recordings from now on. */
static void keep(tiny_model *m)
{
    static k_backend table;
    below = m->dev->ops;
    table = *below;
    table.embed = keep_embed;
    table.rmsnorm = keep_rmsnorm;
    table.rope = keep_rope;
    table.gemm_nt = keep_gemm_nt;
    table.kv_append = keep_kv_append;
    table.attn_paged = keep_attn_paged;
    table.swiglu = keep_swiglu;
    table.copy_rows = keep_copy_rows;
    table.sample = keep_sample;
    table.record = record;
    table.recorded = recorded;
    table.play = play;
    table.forget = forget;
    table.copy_to = copy_to;
    table.copy_from = copy_from;
    m->dev->ops = &table;
    n_alive = n_made = n_played = n_copies = n_waits = 0;
}

/* ---- samples ---- */

enum { PROMPTS = 7, SAMPLES = 3, MOST = 24 };

typedef struct book {
    int asked, done;
    size_t n[PROMPTS][SAMPLES];
    int32_t ids[PROMPTS][SAMPLES][MOST];
    float logp[PROMPTS][SAMPLES][MOST], entropy[PROMPTS][SAMPLES][MOST];
} book;

static int next(void *ctx, as_gen_prompt *out, as_err *e)
{
    static const int32_t ids[] = { 5, 77, 301, 8, 9, 10, 260, 33, 44, 55 };
    book *b = ctx;
    (void)e;
    if (b->asked == PROMPTS)
        return 0;
    *out = (as_gen_prompt){ .ids = ids,
                            .n_ids = (size_t)b->asked + 2,
                            .key = (uint64_t)b->asked,
                            .n = SAMPLES,
                            .tag = b->ids[b->asked] };
    b->asked++;
    return 1;
}

static int done(void *ctx, const as_gen_sample *s, as_err *e)
{
    book *b = ctx;
    const long k = (int32_t(*)[SAMPLES][MOST])s->tag - b->ids;
    (void)e;
    assert_true(s->n <= MOST && s->sample < SAMPLES);
    b->n[k][s->sample] = s->n;
    memcpy(b->ids[k][s->sample], s->ids, s->n * sizeof *s->ids);
    memcpy(b->logp[k][s->sample], s->logp, s->n * sizeof *s->logp);
    memcpy(b->entropy[k][s->sample], s->entropy, s->n * sizeof *s->entropy);
    b->done++;
    return 0;
}

static const as_sampling drawn = {
    .temperature = 0.9F, .top_p = 0.95F, .max_tokens = MOST, .seed = 3
};

/* The same generator twice: recordings are of use to the second call too. */
static void sample(const tiny_model *m, book *b)
{
    as_gen_options o = as_gen_standard();
    as_generator *g = NULL;
    o.max_seqs = 6;
    o.n_blocks = 40;
    MUST(as_generator_new(&g, m->p, NULL, &o, err));
    for (int i = 0; i < 2; i++) {
        *b = (book){ 0 };
        MUST(as_generate(g, &drawn, &(as_gen_io){ .next = next, .done = done, .ctx = b }, err));
        assert_int_equal(b->done, PROMPTS * SAMPLES);
    }
    as_generator_free(g);
}

static void check_samples(const char *family, k_type type)
{
    static book want, got;
    tiny_model m;
    tiny_open(&m, family, "", "naive-f32", type);
    sample(&m, &want);
    keep(&m);
    sample(&m, &got);
    assert_memory_equal(&want, &got, sizeof want);
    assert_in_range(n_made, 1,
                    4); /* of 6 sequences, and of 4, 2, 1 where samples came to that twice */
    assert_int_equal(n_alive, 0);
    assert_true(n_played > 2 * MOST);
    n_made = n_played = 0;
    cannot_record = true;
    sample(&m, &got);
    cannot_record = false;
    assert_memory_equal(&want, &got, sizeof want);
    assert_int_equal(n_made, 1);
    assert_int_equal(n_played, 0);
    m.dev->ops = below;
    tiny_close(&m);
}

static void same_samples(void **state)
{
    (void)state;
    for (int f = 0; f < TINY_FAMILIES; f++)
        check_samples(tiny_families[f], K_F32);
    check_samples("tiny_qwen3", K_BF16);
}

/* ---- passes ---- */

enum { SEQS = 5, BLOCKS = 3 };

/* A token of each of n sequences, at their first positions. */
static void decode(as_run *run, const as_kv_cache *cache, int64_t n, int64_t n_valid,
                   as_sampled out[SEQS])
{
    static const int32_t ids[SEQS] = { 4, 100, 7, 200, 9 }, positions[SEQS],
                         numbers[SEQS] = { 0, 1, 2, 3, 4 };
    k_sample_row how[SEQS];
    for (int64_t i = 0; i < n; i++)
        how[i] = (k_sample_row){ .seed = 5, .prompt = (uint64_t)i, .temperature = 1, .top_p = 1 };
    const as_lane_pass pass = { .batch = { .n_tokens = n,
                                           .n_seqs = n,
                                           .max_blocks = 1,
                                           .ids = ids,
                                           .positions = positions,
                                           .seq_of = numbers,
                                           .block_tables = numbers,
                                           .rows = numbers,
                                           .n_rows = n },
                                .how = how,
                                .n_valid = n_valid,
                                .out = out };
    MUST(as_run_pass(run, &pass, cache, err));
}

/* One copy in, one out; of more shapes than are kept, the one that was not used for longest goes.
 */
static void few_copies_few_recordings(void **state)
{
    (void)state;
    tiny_model m;
    as_kv_cache cache;
    as_sampled want[SEQS], got[SEQS];
    const as_run_options o = { .tokens = 8, .seqs = 8, .logit_rows = 8, .max_blocks = BLOCKS };
    tiny_open(&m, "tiny_qwen2", "", "naive-f32", K_F32);
    MUST(as_kv_cache_init(&cache, m.p, 8, 16, err));
    as_run *plain = tiny_run(&m, &o);
    for (int i = 0; i < 2; i++)
        decode(plain, &cache, SEQS, 300, want);
    as_run_free(plain);
    keep(&m);
    as_run *run = tiny_run(&m, &o);
    for (int i = 0; i < 3; i++) {
        n_copies = n_waits = 0;
        decode(run, &cache, SEQS, 300, got);
        assert_memory_equal(got, want, sizeof want);
        assert_int_equal(n_copies, 1);
        assert_int_equal(n_waits, 1);
    }
    assert_int_equal(n_made, 1);
    assert_int_equal(n_played, 2);
    for (int64_t i = 0; i < 60; i++)
        for (int k = 0; k < 2; k++)
            decode(run, &cache, SEQS, 200 + i, got);
    assert_int_equal(n_made, 61);
    assert_int_equal(n_alive, 48);
    decode(run, &cache, SEQS, 259, got); /* still there */
    assert_int_equal(n_made, 61);
    decode(run, &cache, SEQS, 200, got); /* forgotten: seen for the first time again */
    assert_int_equal(n_made, 61);
    as_run_free(run);
    assert_int_equal(n_alive, 0);
    as_kv_cache_fini(&cache);
    m.dev->ops = below;
    tiny_close(&m);
}

/* ---- no numbers ---- */

static void check_broken(const char *backend, k_type type, float value)
{
    static book b;
    tiny_model m;
    as_err said = { 0 };
    as_generator *g = NULL;
    const as_gen_options o = as_gen_standard();
    tiny_open(&m, "tiny_llama", "", backend, type);
    const as_tensor *norm = as_weights_tensor(m.index, AS_W_NORM_OUT, -1);
    m.arena[norm->offset + 3] = value;
    MUST(as_parameters_set(m.p, m.arena, AS_F32, err));
    MUST(as_generator_new(&g, m.p, NULL, &o, err));
    b = (book){ 0 };
    assert_int_equal(
        as_generate(g, &drawn, &(as_gen_io){ .next = next, .done = done, .ctx = &b }, &said),
        AS_EDATA);
    assert_non_null(strstr(said.text, "not finite"));
    assert_non_null(strstr(said.text, "weights are damaged"));
    as_generator_free(g);
    tiny_close(&m);
}

static void no_numbers(void **state)
{
    (void)state;
    const k_backend *b;
    for (size_t i = 0; (b = k_backend_at(i)); i++)
        for (unsigned type = K_F32; type <= K_F64; type++)
            if (b->types >> type & 1) {
                check_broken(b->name, (k_type)type, NAN);
                check_broken(b->name, (k_type)type, INFINITY);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_samples),
        cmocka_unit_test(few_copies_few_recordings),
        cmocka_unit_test(no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
