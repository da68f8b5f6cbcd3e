/* test_fast_attention.c -- attention of the CPU backend: against the scalar reference; a sequence
 * alone against among others; decoding against the whole sequence. SPDX-License-Identifier:
 * Apache-2.0 */
#include "fast.h"

typedef struct shape {
    int64_t kv, heads, dim, row, n_seqs, tokens, longest;
    int32_t *cu, *parents;
} shape;

static shape shape_of(outputs *out)
{
    static const int64_t dims[] = { 16, 32, 64, 6, 20, 80, 128, 34 };
    shape s = { .kv = 1 + (int64_t)as_rng_below(&out->rng, 3), .n_seqs = size_of(out, 5) };
    s.heads = s.kv * (1 + (int64_t)as_rng_below(&out->rng, 4));
    s.dim = dims[as_rng_below(&out->rng, 8)];
    s.row = (s.heads + 2 * s.kv) * s.dim;
    s.cu = piece(out->arena, (size_t)s.n_seqs + 1, sizeof *s.cu);
    for (int64_t i = 0; i < s.n_seqs; i++) {
        const int64_t n = as_rng_below(&out->rng, 6) ? size_of(out, 70) : 0;
        s.cu[i + 1] = s.cu[i] + (int32_t)n;
        s.longest = n > s.longest ? n : s.longest;
    }
    s.tokens = s.cu[s.n_seqs];
    return s;
}

/* Some have a parent, none, one or several of its children behind it. */
static void make_families(outputs *out, shape *s)
{
    int32_t last = 0;
    s->parents = piece(out->arena, (size_t)s->n_seqs, sizeof *s->parents);
    for (int32_t i = 0; i < s->n_seqs; i++) {
        const bool is_child = i > 0 && as_rng_below(&out->rng, 3);
        s->parents[i] = is_child ? last : -1;
        last = is_child ? last : i;
    }
}

static k_attn attn_of(outputs *out, const shape *s)
{
    k_attn a = {
        .type = out->type, .tokens = s->tokens, .n_seqs = s->n_seqs, .max_seqlen = s->longest
    };
    a.heads = s->heads;
    a.kv_heads = s->kv;
    a.head_dim = s->dim;
    a.cu_seqlens = s->cu;
    a.parents = s->parents;
    a.scale = 1 / sqrt((double)s->dim);
    a.qkv = input(out, s->tokens * s->row, 2);
    return a;
}

static void attn_case(k_device *dev, outputs *out)
{
    shape s = shape_of(out);
    if (as_rng_below(&out->rng, 3))
        make_families(out, &s);
    k_attn a = attn_of(out, &s);
    a.out = room(out, "out", s.tokens * s.heads * s.dim);
    a.lse = room_of(out, "lse", s.tokens * s.heads, K_F32);
    assert_int_equal(dev->ops->attn(dev, &a), K_OK);
    k_attn_bwd b = {
        .type = out->type, .tokens = s.tokens, .n_seqs = s.n_seqs, .max_seqlen = s.longest
    };
    b.heads = s.heads;
    b.kv_heads = s.kv;
    b.head_dim = s.dim;
    b.cu_seqlens = s.cu;
    b.parents = s.parents;
    b.scale = a.scale;
    b.qkv = a.qkv;
    b.out = a.out;
    b.lse = a.lse;
    b.dout = input(out, s.tokens * s.heads * s.dim, 1);
    b.delta = room_of(out, "delta", s.tokens * s.heads, K_F32);
    b.dqkv = room(out, "dqkv", s.tokens * s.row);
    if (out->type == K_BF16) /* out was rounded, perhaps to its neighbour */
        out->all[2].tolerance = 1.0 / 50;
    assert_int_equal(dev->ops->attn_bwd(dev, &b), K_OK);
}

static void attn(void **state)
{
    (void)state;
    check_case(attn_case, 16);
}

/* One sequence longer than a part's run of rows, with many heads to a key head. */
static void long_case(k_device *dev, outputs *out)
{
    shape s = {
        .kv = 1, .heads = 6, .dim = 32, .row = 256, .n_seqs = 1, .tokens = 75, .longest = 75
    };
    int32_t cu[2] = { 0, 75 };
    s.cu = cu;
    k_attn a = attn_of(out, &s);
    a.out = room(out, "out", s.tokens * s.heads * s.dim);
    a.lse = room_of(out, "lse", s.tokens * s.heads, K_F32);
    assert_int_equal(dev->ops->attn(dev, &a), K_OK);
}

static void long_sequence(void **state)
{
    (void)state;
    check_case(long_case, 1);
}

/* Every row of every sequence from the paged cache (blocks in a shuffled order, rows behind the
 * last poisoned), one token at a time for the later half and in one piece for the earlier: the bits
 * of the whole sequences. */
static void decode_all(k_device *dev, outputs *out, shape s, int64_t block_size)
{
    k_attn whole = attn_of(out, &s);
    whole.out = room(out, "whole", s.tokens * s.heads * s.dim);
    assert_int_equal(dev->ops->attn(dev, &whole), K_OK);

    const int64_t max_blocks = s.longest / block_size + 1, n_blocks = s.n_seqs * max_blocks;
    const int64_t cache = n_blocks * s.kv * block_size * s.dim;
    int32_t *table = piece(out->arena, (size_t)n_blocks, sizeof *table);
    int32_t *seq_of = piece(out->arena, (size_t)s.tokens, sizeof *seq_of);
    int32_t *positions = piece(out->arena, (size_t)s.tokens, sizeof *positions);
    int32_t *slots = piece(out->arena, (size_t)s.tokens, sizeof *slots);
    for (int64_t i = 0; i < n_blocks; i++)
        table[i] = (int32_t)(n_blocks - 1 - i);
    for (int64_t q = 0; q < s.n_seqs; q++)
        for (int32_t t = s.cu[q]; t < s.cu[q + 1]; t++) {
            positions[t] = t - s.cu[q];
            seq_of[t] = (int32_t)q;
            slots[t] = (int32_t)(table[q * max_blocks + positions[t] / block_size] * block_size +
                                 positions[t] % block_size);
        }
    k_kv_append append = {
        .type = out->type, .heads = s.heads, .kv_heads = s.kv, .head_dim = s.dim
    };
    append.block_size = block_size;
    append.n_blocks = n_blocks;
    append.k_cache =
        typed(out->arena, filled(out->arena, (size_t)cache, (double)NAN), (size_t)cache, out->type);
    append.v_cache =
        typed(out->arena, filled(out->arena, (size_t)cache, (double)NAN), (size_t)cache, out->type);
    k_attn_paged paged = {
        .type = out->type, .n_seqs = s.n_seqs, .heads = s.heads, .kv_heads = s.kv
    };
    paged.head_dim = s.dim;
    paged.block_size = block_size;
    paged.n_blocks = n_blocks;
    paged.max_blocks = max_blocks;
    paged.block_tables = table;
    paged.scale = whole.scale;
    paged.k_cache = append.k_cache;
    paged.v_cache = append.v_cache;
    char *paged_out = room(out, "paged", s.tokens * s.heads * s.dim);
    const size_t each = k_type_size(out->type);
    for (int64_t t = 0, n; t < s.tokens; t += n) {
        n = t < s.tokens / 2 ? s.tokens / 2 : 1;
        append.tokens = paged.tokens = n;
        append.slots = slots + t;
        append.qkv = paged.qkv = (const char *)whole.qkv + (size_t)(t * s.row) * each;
        paged.seq_of = seq_of + t;
        paged.positions = positions + t;
        paged.out = paged_out + (size_t)(t * s.heads * s.dim) * each;
        assert_int_equal(dev->ops->kv_append(dev, &append), K_OK);
        assert_int_equal(dev->ops->attn_paged(dev, &paged), K_OK);
    }
    assert_memory_equal(paged_out, whole.out, (size_t)(s.tokens * s.heads * s.dim) * each);
}

static void decoding(void **state)
{
    (void)state;
    static const int64_t block_sizes[] = { 16, 32, 4, 5, 24 };
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 2);
        for (uint64_t seed = 0; dev && seed < 10; seed++) {
            as_arena arena;
            as_arena_init(&arena, 0);
            outputs out = { .arena = &arena,
                            .rng = as_rng_at(23, seed),
                            .type = seed % 2 ? K_BF16 : K_F32 };
            decode_all(dev, &out, shape_of(&out), block_sizes[seed % 5]);
            as_arena_fini(&arena);
        }
        k_device_close(dev);
    }
}

/* Further than one stretch of keys reaches; heads in groups of every height. */
static void decoding_far(void **state)
{
    (void)state;
    static const int64_t shapes[][4] = {
        { 2, 1, 32, 16 }, { 1, 2, 64, 16 }, { 1, 3, 80, 48 }, { 1, 7, 128, 16 }, { 2, 4, 16, 32 }
    };
    int32_t cu[] = { 0, 530, 543 };
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 2);
        for (uint64_t i = 0; dev && i < sizeof shapes / sizeof *shapes; i++) {
            as_arena arena;
            as_arena_init(&arena, 0);
            outputs out = { .arena = &arena, .rng = as_rng_at(29, i), .type = K_F32 };
            shape s = { .kv = shapes[i][0], .dim = shapes[i][2], .n_seqs = 2, .cu = cu };
            s.heads = s.kv * shapes[i][1];
            s.row = (s.heads + 2 * s.kv) * s.dim;
            s.tokens = cu[2];
            s.longest = cu[1];
            decode_all(dev, &out, s, shapes[i][3]);
            as_arena_fini(&arena);
        }
        k_device_close(dev);
    }
}

/* A sequence's rows do not depend on the others. */
static void alone(void **state)
{
    (void)state;
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 1);
        for (uint64_t seed = 0; dev && seed < 6; seed++) {
            as_arena arena;
            as_arena_init(&arena, 0);
            outputs out = { .arena = &arena,
                            .rng = as_rng_at(24, seed),
                            .type = seed % 2 ? K_BF16 : K_F32 };
            const shape s = shape_of(&out);
            k_attn a = attn_of(&out, &s), one = a;
            const size_t each = k_type_size(a.type), out_row = (size_t)(s.heads * s.dim) * each;
            char *all = a.out = room(&out, "all", s.tokens * s.heads * s.dim);
            assert_int_equal(dev->ops->attn(dev, &a), K_OK);
            for (int64_t q = 0; q < s.n_seqs; q++) {
                const int32_t cu[2] = { 0, s.cu[q + 1] - s.cu[q] };
                one.n_seqs = 1;
                one.tokens = one.max_seqlen = cu[1];
                one.cu_seqlens = cu;
                one.qkv = (const char *)a.qkv + (size_t)(s.cu[q] * s.row) * each;
                one.out = piece(&arena, (size_t)cu[1] + 1, out_row);
                assert_int_equal(dev->ops->attn(dev, &one), K_OK);
                assert_memory_equal(one.out, all + (size_t)s.cu[q] * out_row,
                                    (size_t)cu[1] * out_row);
            }
            as_arena_fini(&arena);
        }
        k_device_close(dev);
    }
}

/* Nor do rows behind a parent show that others share it: those of the whole sequence. */
static void one_behind_its_parent(k_device *dev, outputs *out, const shape *s, const k_attn *all,
                                  int64_t q)
{
    const int32_t parent = s->parents[q];
    const int64_t before = parent < 0 ? 0 : s->cu[parent + 1] - s->cu[parent],
                  n = s->cu[q + 1] - s->cu[q];
    const size_t each = k_type_size(all->type), row = (size_t)s->row * each,
                 out_row = (size_t)(s->heads * s->dim) * each,
                 lse_row = (size_t)s->heads * sizeof(float);
    const int32_t cu[2] = { 0, (int32_t)(before + n) };
    char *qkv = piece(out->arena, (size_t)(before + n), row);
    if (before)
        memcpy(qkv, (const char *)all->qkv + (size_t)s->cu[parent] * row, (size_t)before * row);
    memcpy(qkv + (size_t)before * row, (const char *)all->qkv + (size_t)s->cu[q] * row,
           (size_t)n * row);
    k_attn one = *all;
    one.n_seqs = 1;
    one.tokens = one.max_seqlen = cu[1];
    one.cu_seqlens = cu;
    one.parents = NULL;
    one.qkv = qkv;
    one.out = piece(out->arena, (size_t)(before + n), out_row);
    one.lse = piece(out->arena, (size_t)(before + n), lse_row);
    assert_int_equal(dev->ops->attn(dev, &one), K_OK);
    assert_memory_equal((const char *)one.out + (size_t)before * out_row,
                        (const char *)all->out + (size_t)s->cu[q] * out_row, (size_t)n * out_row);
    assert_memory_equal((const char *)one.lse + (size_t)before * lse_row,
                        (const char *)all->lse + (size_t)s->cu[q] * lse_row, (size_t)n * lse_row);
}

static void behind_a_parent(void **state)
{
    (void)state;
    for (int l = 0; l < N_LEVELS; l++) {
        k_device *dev = device_at(levels[l], 2);
        for (uint64_t seed = 0; dev && seed < 12; seed++) {
            as_arena arena;
            as_arena_init(&arena, 0);
            outputs out = { .arena = &arena,
                            .rng = as_rng_at(31, seed),
                            .type = seed % 2 ? K_BF16 : K_F32 };
            shape s = shape_of(&out);
            make_families(&out, &s);
            k_attn a = attn_of(&out, &s);
            a.out = room(&out, "all", s.tokens * s.heads * s.dim);
            a.lse = room_of(&out, "lse", s.tokens * s.heads, K_F32);
            assert_int_equal(dev->ops->attn(dev, &a), K_OK);
            for (int64_t q = 0; q < s.n_seqs; q++)
                one_behind_its_parent(dev, &out, &s, &a, q);
            s.parents[0] = 0; /* its own */
            assert_int_equal(dev->ops->attn(dev, &a), K_EARG);
            as_arena_fini(&arena);
        }
        k_device_close(dev);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attn),     cmocka_unit_test(long_sequence),
        cmocka_unit_test(decoding), cmocka_unit_test(decoding_far),
        cmocka_unit_test(alone),    cmocka_unit_test(behind_a_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
