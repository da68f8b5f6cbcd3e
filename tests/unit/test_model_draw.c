/* test_model_draw.c -- weights that have learned nothing. SPDX-License-Identifier: Apache-2.0 */
#include "model/draw.h"

#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const families[] = { "tiny_qwen2", "tiny_llama", "tiny_qwen3" };

static as_weights_index *index_of(const char *family)
{
    char folder[600];
    as_err err = { 0 };
    as_model_config c;
    as_weights_index *x = NULL;
    (void)snprintf(folder, sizeof folder, "%s/tests/golden/models/%s", getenv("ASSAY_SOURCE"),
                   family);
    assert_int_equal(as_model_config_load(&c, folder, &err), 0);
    assert_int_equal(as_weights_index_new(&x, &c, &err), 0);
    return x;
}

static float *draw(const as_weights_index *x, as_draw_scale scale, uint64_t seed)
{
    const as_draw how = { .scale = scale, .std = 0.02, .seed = seed };
    float *arena = as_calloc(x->n_elements, sizeof *arena);
    assert_non_null(arena);
    as_weights_draw(x, &how, arena);
    return arena;
}

/* Of the two moments, what a uniform draw of so many numbers leaves open: five standard errors. */
static void check_matrix(const float *w, size_t n, double std)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(fabs((double)w[i]) <= sqrt(3) * std * 1.000001);
        sum += (double)w[i];
        squares += (double)w[i] * (double)w[i];
    }
    assert_true(fabs(sum / (double)n) < 5 * std / sqrt((double)n));
    assert_true(fabs(squares / (double)n / (std * std) - 1) < 5 * sqrt(0.8 / (double)n));
}

static double expected(const as_weights_index *x, const as_tensor *t, as_draw_scale scale)
{
    const as_model_config *c = &x->config;
    if (scale == AS_DRAW_FLAT)
        return 0.02;
    if (t->role == AS_W_EMBED && !c->is_tied)
        return 1;
    if (t->role == AS_W_O)
        return 1 / sqrt((double)(c->n_heads * c->head_dim)) / sqrt(2.0 * (double)c->n_layers);
    if (t->role == AS_W_DOWN)
        return 1 / sqrt((double)c->d_ff) / sqrt(2.0 * (double)c->n_layers);
    return 1 / sqrt((double)c->d);
}

static void check_arena(const as_weights_index *x, as_draw_scale scale)
{
    float *w = draw(x, scale, 7);
    size_t at = 0;
    for (size_t i = 0; i < x->n_tensors; i++) {
        const as_tensor *t = &x->tensors[i];
        for (; at < t->offset; at++)
            assert_true(w[at] == 0); /* a gap */
        if (t->rows > 1)
            check_matrix(w + at, t->n, expected(x, t, scale));
        for (size_t j = 0; t->rows == 1 && j < t->n; j++)
            assert_true(w[at + j] == (t->role == AS_W_QKV_BIAS ? 0.0F : 1.0F));
        at += t->n;
    }
    as_free(w);
}

static void test_standard_deviations(void **state)
{
    (void)state;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        as_weights_index *x = index_of(families[f]);
        check_arena(x, AS_DRAW_FLAT);
        check_arena(x, AS_DRAW_FAN_IN);
        as_weights_index_free(x);
    }
}

static void test_seeds(void **state)
{
    as_weights_index *x = index_of("tiny_llama");
    const as_tensor *one = as_weights_tensor(x, AS_W_O, 0),
                    *other = as_weights_tensor(x, AS_W_O, 1);
    (void)state;
    float *a = draw(x, AS_DRAW_FAN_IN, 1), *b = draw(x, AS_DRAW_FAN_IN, 1),
          *c = draw(x, AS_DRAW_FAN_IN, 2);
    assert_memory_equal(a, b, x->n_elements * sizeof *a);
    assert_memory_not_equal(a + one->offset, c + one->offset, one->n * sizeof *a);
    assert_memory_not_equal(a + one->offset, a + other->offset, one->n * sizeof *a);
    as_free(a);
    as_free(b);
    as_free(c);
    as_weights_index_free(x);
}

/* The generator's first numbers, so that a model drawn today can be drawn again. */
static void test_numbers(void **state)
{
    static const float known[] = { -0.0174298957F, -0.0197634678F, 0.0119641041F, 0.0299596936F };
    as_weights_index *x = index_of("tiny_llama");
    (void)state;
    float *w = draw(x, AS_DRAW_FLAT, 0);
    assert_memory_equal(w, known, sizeof known);
    as_free(w);
    as_weights_index_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standard_deviations),
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
