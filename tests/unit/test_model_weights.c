/* test_model_weights.c -- the arena's layout. SPDX-License-Identifier: Apache-2.0 */
#include "model/weights.h"

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

/* Every element is of one tensor or of a gap, every tensor is its parts one after the other. */
static void test_layout(void **state)
{
    static const size_t params[] = { 98880, 123200, 123328 };
    (void)state;
    for (size_t f = 0; f < 3; f++) {
        as_weights_index *x = index_of(families[f]);
        size_t at = 0, sum = 0, part = 0;
        for (size_t i = 0; i < x->n_tensors; i++) {
            const as_tensor *t = &x->tensors[i];
            assert_true(t->offset >= at && t->offset - at < AS_WEIGHTS_ALIGN);
            assert_int_equal(t->offset % AS_WEIGHTS_ALIGN, 0);
            assert_int_equal(t->n, t->rows * t->cols);
            assert_int_equal(t->part, part);
            at = t->offset;
            for (size_t p = 0; p < t->n_parts; p++, part++) {
                const as_part *q = &x->parts[part];
                assert_int_equal(q->tensor, i);
                assert_int_equal(q->offset, at);
                assert_int_equal(q->n, q->dims[0] * (q->n_dims == 2 ? q->dims[1] : 1));
                at += q->n;
            }
            assert_int_equal(at, t->offset + t->n);
            sum += t->n;
            assert_ptr_equal(as_weights_tensor(x, t->role, t->layer), t);
        }
        assert_int_equal(part, x->n_parts);
        assert_int_equal(sum, params[f]);
        assert_int_equal(x->n_params, sum);
        assert_int_equal(x->n_elements % AS_WEIGHTS_ALIGN, 0);
        assert_true(x->n_elements >= at && x->n_elements - at < AS_WEIGHTS_ALIGN);
        as_weights_index_free(x);
    }
}

/* Where the heads lie, by kind. */
static void test_heads(void **state)
{
    (void)state;
    for (size_t f = 0; f < 3; f++) {
        as_weights_index *plain = index_of(families[f]), *x = NULL;
        as_model_config c = plain->config;
        const size_t d = (size_t)c.d;
        const size_t head = c.is_tied ? 0 : (size_t)(c.vocab * c.d);
        c.heads = AS_HEADS_BOTH;
        assert_int_equal(as_weights_index_new(&x, &c, NULL), 0);
        assert_int_equal(x->n_params, plain->n_params + d);
        const as_tensor *score = as_weights_tensor(x, AS_W_SCORE, -1);
        assert_true(score->rows == 1 && score->cols == c.d && score->n_parts == 1);
        assert_string_equal(x->parts[score->part].name, "score.weight");
        assert_int_equal(x->parts[score->part].n_dims, 2);
        assert_true((as_weights_tensor(x, AS_W_HEAD, -1) != NULL) == !c.is_tied);
        assert_null(as_weights_tensor(x, AS_W_SCORE_BIAS, -1));
        for (size_t i = 0; i < plain->n_tensors; i++) /* the others lie where they were */
            assert_memory_equal(&x->tensors[i], &plain->tensors[i], sizeof *x->tensors);
        as_weights_index_free(x);
        c.heads = AS_HEADS_SCORE;
        c.has_score_bias = true;
        assert_int_equal(as_weights_index_new(&x, &c, NULL), 0);
        assert_int_equal(x->n_params, plain->n_params - head + d + 1);
        assert_null(as_weights_tensor(x, AS_W_HEAD, -1));
        for (size_t i = 0; i < x->n_tensors; i++)
            assert_ptr_equal(as_weights_tensor(x, x->tensors[i].role, x->tensors[i].layer),
                             &x->tensors[i]);
        assert_null(as_weights_tensor(plain, AS_W_SCORE, -1));
        as_weights_index_free(x);
        as_weights_index_free(plain);
    }
}

static void test_roles(void **state)
{
    as_weights_index *x = index_of("tiny_qwen3");
    (void)state;
    const as_tensor *qkv = as_weights_tensor(x, AS_W_QKV, 1);
    assert_true(qkv->rows == 8 * 32L && qkv->cols == 64 && qkv->n_parts == 3);
    assert_string_equal(x->parts[qkv->part + 1].name, "model.layers.1.self_attn.k_proj.weight");
    assert_true(x->parts[qkv->part + 1].dims[0] == 64 && x->parts[qkv->part].dims[0] == 128);
    const as_tensor *k_norm = as_weights_tensor(x, AS_W_K_NORM, 0);
    assert_true(k_norm->rows == 1 && k_norm->cols == 32);
    const as_tensor *o = as_weights_tensor(x, AS_W_O, 0);
    assert_true(o->rows == 64 && o->cols == 128);
    assert_null(as_weights_tensor(x, AS_W_QKV_BIAS, 0));
    assert_null(as_weights_tensor(x, AS_W_HEAD, -1));
    as_weights_index_free(x);

    x = index_of("tiny_qwen2");
    const as_tensor *bias = as_weights_tensor(x, AS_W_QKV_BIAS, 1);
    assert_true(bias->rows == 1 && bias->cols == 128 && bias->n_parts == 3);
    const as_tensor *both = as_weights_tensor(x, AS_W_GATE_UP, 0);
    assert_true(both->rows == 256 && both->cols == 64);
    assert_null(as_weights_tensor(x, AS_W_Q_NORM, 0));
    as_weights_index_free(x);

    x = index_of("tiny_llama");
    assert_string_equal(x->parts[as_weights_tensor(x, AS_W_HEAD, -1)->part].name, "lm_head.weight");
    assert_string_equal(x->parts[as_weights_tensor(x, AS_W_NORM_OUT, -1)->part].name,
                        "model.norm.weight");
    as_weights_index_free(x);
    as_weights_index_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
