/* test_model_config.c -- element types, and config.json of both generations: read, written,
 * refused by name. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/jspan.h"
#include "base/rng.h"
#include "model/config.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- element types ---- */

static double half_value(unsigned h)
{
    double m = h & 0x3FF, sign = h & 0x8000 ? -1 : 1;
    int e = (int)(h >> 10 & 31);
    if (e == 31)
        return m != 0 ? (double)NAN : sign * (double)INFINITY;
    return sign * (e ? ldexp(1024 + m, e - 25) : ldexp(m, -24));
}

static float to_float(as_dtype type, uint16_t h)
{
    float f = 0;
    as_convert(&f, AS_F32, &h, type, 1);
    return f;
}

static double to_double(as_dtype type, unsigned h)
{
    return (double)to_float(type, (uint16_t)h);
}

static uint16_t narrow(as_dtype type, float f)
{
    uint16_t h = 0;
    as_convert(&h, type, &f, AS_F32, 1);
    return h;
}

static void test_halves_exactly(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 65536; h++) {
        float f = to_float(AS_F16, (uint16_t)h), g = to_float(AS_BF16, (uint16_t)h);
        double v = half_value(h);
        uint32_t bits = h << 16;
        assert_true(isnan(v) ? isnan(f) : (double)f == v && !signbit(f) == !signbit(v));
        assert_memory_equal(&g, &bits, 4);
        if (!isnan(v))
            assert_int_equal(narrow(AS_F16, f), h);
        else
            assert_true(isnan(to_float(AS_F16, narrow(AS_F16, f))));
        if (!isnan(g))
            assert_int_equal(narrow(AS_BF16, g), h);
        else
            assert_true(isnan(to_float(AS_BF16, narrow(AS_BF16, g))));
    }
}

/* Against the definition: the nearer of the two neighbours, the even one where both are as near. */
static void check_narrow(as_dtype type, float f)
{
    unsigned h = narrow(type, f) & 0x7FFFu;
    unsigned infinite = type == AS_F16 ? 0x7C00u : 0x7F80u;
    double v = fabs((double)f), best = fabs(to_double(type, h) - v);
    if (h == infinite) { /* the next value there would be is as near as the largest there is */
        double most = to_double(type, h - 1), less = to_double(type, h - 2);
        assert_true(v >= most + (most - less) / 2);
        return;
    }
    double up = h + 1 == infinite ? (double)INFINITY : fabs(to_double(type, h + 1) - v);
    double down = h ? fabs(to_double(type, h - 1) - v) : (double)INFINITY;
    assert_true(best < up || (best == up && h % 2 == 0));
    assert_true(best < down || (best == down && h % 2 == 0));
    assert_int_equal(narrow(type, f) >> 15, signbit(f) != 0);
}

static void test_narrowing(void **state)
{
    static const float corners[] = { 0.0F,     -0.0F,    65504.0F, 65519.0F,   65520.0F,  65536.0F,
                                     0x1p-14F, 0x1p-24F, 0x1p-25F, 0x1.8p-25F, 0x1p-26F,  1e38F,
                                     3.4e38F,  1e-40F,   1.0F,     0x1.002p0F, 0x1.006p0F };
    as_rng rng = as_rng_at(1, 2);
    (void)state;
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++) {
        check_narrow(AS_F16, corners[i]);
        check_narrow(AS_BF16, -corners[i]);
    }
    for (int i = 0; i < 200000; i++) {
        uint32_t bits = (uint32_t)as_rng_u64(&rng);
        float f;
        if (i % 2) /* into the range of halves, and onto ties */
            bits = (bits & 0x8FFFF000u) | 0x30000000u;
        memcpy(&f, &bits, 4);
        if (!isfinite(f))
            continue;
        check_narrow(AS_F16, f);
        check_narrow(AS_BF16, f);
    }
}

static void test_convert_in_bulk(void **state)
{
    enum { N = 1500 };
    static const as_dtype kinds[] = { AS_F32, AS_BF16, AS_F16 };
    static unsigned char a[N * 4 + 1], b[N * 4 + 1], want[N * 4];
    as_rng rng = as_rng_at(3, 4);
    (void)state;
    for (unsigned from = 0; from < 3; from++)
        for (unsigned to = 0; to < 3; to++) {
            size_t in = as_dtype_size(kinds[from]), out = as_dtype_size(kinds[to]);
            for (size_t i = 0; i < N; i++) {
                float f = (float)as_rng_double(&rng) - 0.5F;
                as_convert(a + 1 + i * in, kinds[from], &f, AS_F32, 1);
                as_convert(&f, AS_F32, a + 1 + i * in, kinds[from], 1);
                as_convert(want + i * out, kinds[to], &f, AS_F32, 1);
            }
            as_convert(b + 1, kinds[to], a + 1, kinds[from], N); /* not aligned either */
            assert_memory_equal(b + 1, want, N * out);
        }
}

static void test_not_finite(void **state)
{
    float v[5] = { 1, -2, 3.4e38F, 0, 5 };
    static const float bad[] = { (float)NAN, (float)INFINITY, -(float)INFINITY };
    (void)state;
    assert_int_equal(as_find_not_finite(v, AS_F32, 5), 5);
    for (size_t i = 0; i < 3; i++) {
        static const as_dtype kinds[] = { AS_F32, AS_BF16, AS_F16 };
        v[2] = 3;
        v[3] = bad[i];
        for (unsigned k = 0; k < 3; k++) {
            unsigned char as[20];
            as_convert(as, kinds[k], v, AS_F32, 5);
            assert_int_equal(as_find_not_finite(as, kinds[k], 5), 3);
            assert_int_equal(as_find_not_finite(as, kinds[k], 3), 3);
        }
    }
}

static void test_dtype_names(void **state)
{
    as_dtype type;
    (void)state;
    for (unsigned i = 0; i < AS_DTYPE_COUNT; i++) {
        assert_true(as_dtype_of(as_str_of(as_dtype_name((as_dtype)i)), &type));
        assert_int_equal(type, i);
    }
    assert_false(as_dtype_of(AS_LIT("f32"), &type));
    assert_int_equal(as_dtype_size(AS_BF16), 2);
    assert_int_equal(as_dtype_size(AS_F64), 8);
}

/* ---- config.json ---- */

static void load(as_model_config *c, const char *family)
{
    char folder[600];
    as_err err = { 0 };
    (void)snprintf(folder, sizeof folder, "%s/tests/golden/models/%s", getenv("ASSAY_SOURCE"),
                   family);
    if (as_model_config_load(c, folder, &err) != 0)
        fail_msg("%s", err.text);
}

static void test_tiny_models(void **state)
{
    as_model_config c;
    (void)state;
    load(&c, "tiny_qwen2");
    assert_int_equal(c.type, AS_QWEN2);
    assert_true(c.n_layers == 2 && c.d == 64 && c.n_heads == 4 && c.n_kv_heads == 2);
    assert_true(c.head_dim == 16 && c.d_ff == 128 && c.vocab == 384 && c.max_pos == 256);
    assert_true(c.rms_eps == 1e-6 && c.rope_theta == 1e6 && c.rope_type == AS_ROPE_DEFAULT);
    assert_true(c.is_tied && c.has_qkv_bias && !c.has_qk_norm && c.dtype == AS_F32);
    assert_true(c.n_eos == 1 && c.eos[0] == 378 && c.pad == 376 && c.bos == -1);
    load(&c, "tiny_llama");
    assert_true(c.type == AS_LLAMA && !c.is_tied && !c.has_qkv_bias && !c.has_qk_norm);
    assert_true(c.rope_type == AS_ROPE_LLAMA3 && c.rope_theta == 5e5 && c.rope_factor == 8);
    assert_true(c.rope_low == 1 && c.rope_high == 4 && c.rope_original == 64);
    assert_true(c.rms_eps == 1e-5 && c.head_dim == 16);
    load(&c, "tiny_qwen3");
    assert_true(c.type == AS_QWEN3 && c.head_dim == 32 && c.has_qk_norm && !c.has_qkv_bias);
}

#define SHAPE                                                                                      \
    "\"hidden_size\":64,\"num_attention_heads\":4,\"num_hidden_layers\":2,"                        \
    "\"num_key_value_heads\":2,\"intermediate_size\":128,\"vocab_size\":384,"                      \
    "\"max_position_embeddings\":256"
#define LLAMA "\"model_type\":\"llama\"," SHAPE
#define QWEN2 "\"model_type\":\"qwen2\"," SHAPE

static int parse(as_model_config *c, const char *config, const char *generation, as_err *err)
{
    return as_model_config_parse(c, as_str_of(config), as_str_of(generation), "m", err);
}

static void test_transformers_4(void **state)
{
    as_model_config c;
    as_err err = { 0 };
    (void)state;
    const char *text = "{" LLAMA ",\"rope_theta\":500000.0,\"rope_scaling\":{\"factor\":32.0,"
                       "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,\"rope_type\":\"llama3\","
                       "\"original_max_position_embeddings\":8192},\"torch_dtype\":\"bfloat16\","
                       "\"bos_token_id\":1,\"eos_token_id\":2,\"tie_word_embeddings\":true}";
    assert_int_equal(parse(&c, text, "{\"eos_token_id\":[3,4,5],\"bos_token_id\":6}", &err), 0);
    assert_true(c.rope_theta == 5e5 && c.rope_factor == 32 && c.rope_original == 8192);
    assert_true(c.dtype == AS_BF16 && c.bos == 6 && c.n_eos == 3 && c.eos[2] == 5 && c.is_tied);
    assert_int_equal(parse(&c, text, NULL, &err), 0);
    assert_true(c.n_eos == 1 && c.eos[0] == 2 && c.bos == 1 && c.pad == -1);
    /* what the classes of transformers take where a key is absent or null */
    assert_int_equal(parse(&c,
                           "{" QWEN2 ",\"rope_scaling\":null,\"use_sliding_window\":false,"
                           "\"sliding_window\":131072,\"head_dim\":null,\"pad_token_id\":-1}",
                           NULL, &err),
                     0);
    assert_true(c.rope_theta == 10000 && c.rms_eps == 1e-6 && !c.is_tied && c.head_dim == 16);
    assert_true(c.n_eos == 0 && c.pad == -1 && c.dtype == AS_F32);
    /* Llama 3.1 as first released, with "type" */
    assert_int_equal(parse(&c, "{" LLAMA ",\"rope_scaling\":{\"type\":\"default\"}}", NULL, &err),
                     0);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *config, *says;
    } cases[] = {
        { "{", "m/config.json: column 2" },
        { "[]", "m/config.json: not a JSON object" },
        { "{" SHAPE "}", "key \"model_type\": missing" },
        { "{\"model_type\":\"mistral\"," SHAPE "}",
          "key \"model_type\": \"mistral\" is not implemented (known: llama, qwen2, qwen3)" },
        { "{\"model_type\":\"qwen3_moe\"," SHAPE "}", "\"qwen3_moe\" is not implemented" },
        { "{" LLAMA ",\"architectures\":[\"LlamaForQuestionAnswering\"]}",
          "key \"architectures\": \"LlamaForQuestionAnswering\" is not implemented (known: "
          "LlamaForCausalLM, LlamaForSequenceClassification, LlamaForTokenClassification)" },
        { "{" LLAMA ",\"architectures\":[\"Qwen2ForCausalLM\"]}",
          "key \"architectures\": \"Qwen2ForCausalLM\" is not implemented" },
        { "{" LLAMA ",\"architectures\":[\"LlamaForSequenceClassification\"]}",
          "key \"id2label\": 2 labels; a model that scores has one" },
        { "{" LLAMA ",\"architectures\":[\"LlamaForTokenClassification\"],"
          "\"id2label\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"c\"}}",
          "key \"id2label\": 3 labels" },
        { "{" LLAMA ",\"has_value_head\":1}", "key \"has_value_head\": 1 is neither" },
        { "{" LLAMA ",\"num_local_experts\":8}",
          "key \"num_local_experts\": a mixture of experts is not implemented" },
        { "{" LLAMA ",\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4.0}}",
          "key \"rope_scaling.rope_type\": \"yarn\" is not implemented (known: default, llama3)" },
        { "{" LLAMA ",\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":4.0}}",
          "key \"rope_scaling.type\": \"dynamic\" is not implemented" },
        { "{" LLAMA ",\"rope_parameters\":{\"rope_type\":\"linear\"}}",
          "key \"rope_parameters.rope_type\": \"linear\"" },
        { "{" LLAMA ",\"rope_scaling\":{\"factor\":4.0}}",
          "key \"rope_scaling.rope_type\": missing" },
        { "{" LLAMA ",\"rope_scaling\":3}", "key \"rope_scaling\": 3 is not an object" },
        { "{" LLAMA ",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0}}",
          "key \"rope_scaling.low_freq_factor\": missing" },
        { "{" LLAMA ",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,"
          "\"low_freq_factor\":4.0,\"high_freq_factor\":4.0,"
          "\"original_max_position_embeddings\":64}}",
          "4 is not below high_freq_factor, 4" },
        { "{" LLAMA ",\"rope_parameters\":{\"rope_type\":\"default\","
          "\"partial_rotary_factor\":0.5}}",
          "\"rope_parameters.partial_rotary_factor\": partly rotated heads" },
        { "{" QWEN2 ",\"use_sliding_window\":true}", "key \"use_sliding_window\"" },
        { "{" QWEN2 ",\"layer_types\":[\"full_attention\",\"sliding_attention\"]}",
          "key \"layer_types\": \"sliding_attention\" is not implemented" },
        { "{" QWEN2 ",\"layer_types\":[\"full_attention\"]}", "each of the 2 layers" },
        { "{" LLAMA ",\"hidden_act\":\"gelu\"}", "key \"hidden_act\": \"gelu\"" },
        { "{" LLAMA ",\"attention_bias\":true}", "key \"attention_bias\"" },
        { "{" LLAMA ",\"mlp_bias\":true}", "key \"mlp_bias\"" },
        { "{" LLAMA ",\"quantization_config\":{\"bits\":4}}", "key \"quantization_config\"" },
        { "{" LLAMA ",\"hidden_size\":65}", "key \"hidden_size\": stands twice" },
        { "{" LLAMA ",\"head_dim\":15}", "key \"head_dim\": 15 is odd" },
        { "{" LLAMA ",\"head_dim\":1e3}", "key \"head_dim\": 1e3 is not an integer" },
        { "{" LLAMA ",\"rms_norm_eps\":0}", "key \"rms_norm_eps\": 0 is not a number" },
        { "{" LLAMA ",\"rope_theta\":\"a\"}", "key \"rope_theta\": \"a\" is not a number" },
        { "{" LLAMA ",\"tie_word_embeddings\":1}", "1 is neither true nor false" },
        { "{" LLAMA ",\"eos_token_id\":384}",
          "key \"eos_token_id\": 384 is no token of a vocabulary of 384" },
        { "{" LLAMA ",\"eos_token_id\":[1,\"x\"]}", "key \"eos_token_id\": \"x\" is no token" },
        { "{" LLAMA ",\"bos_token_id\":{}}", "key \"bos_token_id\": an object is no token" },
        { "{" LLAMA ",\"eos_token_id\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", "more than 16" },
        { "{\"model_type\":\"llama\",\"hidden_size\":64}", "key \"num_hidden_layers\": missing" },
        { "{\"model_type\":\"llama\",\"num_hidden_layers\":99999999999999999999}",
          "key \"num_hidden_layers\": 99999999999999999999 is not an integer of 1 to 4096" },
        { "{\"model_type\":\"llama\",\"num_hidden_layers\":-2}", "-2 is not an integer" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        as_err err = { 0 };
        as_model_config c;
        assert_int_equal(parse(&c, cases[i].config, NULL, &err), AS_EDATA);
        if (!strstr(err.text, cases[i].says))
            fail_msg("case %zu: %s\n lacks: %s", i, err.text, cases[i].says);
    }
}

static void test_refused_shapes(void **state)
{
    as_model_config c;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(parse(&c,
                           "{\"model_type\":\"llama\",\"hidden_size\":66,\"num_attention_heads\":4,"
                           "\"num_hidden_layers\":2,\"intermediate_size\":128,\"vocab_size\":9,"
                           "\"max_position_embeddings\":256}",
                           NULL, &err),
                     AS_EDATA);
    assert_non_null(strstr(err.text, "66 is no multiple of num_attention_heads, 4"));
    err = (as_err){ 0 };
    assert_int_equal(parse(&c,
                           "{\"model_type\":\"llama\",\"hidden_size\":64,\"num_attention_heads\":4,"
                           "\"num_key_value_heads\":3,\"num_hidden_layers\":2,"
                           "\"intermediate_size\":128,\"vocab_size\":9,"
                           "\"max_position_embeddings\":256}",
                           NULL, &err),
                     AS_EDATA);
    assert_non_null(strstr(err.text, "3 does not divide num_attention_heads, 4"));
    err = (as_err){ 0 };
    assert_int_equal(parse(&c, "{" LLAMA "}", "{\"eos_token_id\":[400]}", &err), AS_EDATA);
    assert_non_null(strstr(err.text, "m/generation_config.json: key \"eos_token_id\": 400"));
    err = (as_err){ 0 };
    assert_int_equal(parse(&c, "{" LLAMA "}", "{\"eos", &err), AS_EDATA);
    assert_non_null(strstr(err.text, "m/generation_config.json: column"));
    err = (as_err){ 0 };
    assert_int_equal(as_model_config_load(&c, "/nowhere", &err), AS_EIO);
    assert_non_null(strstr(err.text, "/nowhere/config.json"));
}

static void test_written(void **state)
{
    static const char *const tiny[] = { "tiny_qwen2", "tiny_llama", "tiny_qwen3" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        as_model_config c, again;
        as_buf text;
        as_err err = { 0 };
        load(&c, tiny[i]);
        c.eos[c.n_eos++] = 7;
        c.dtype = AS_BF16;
        as_buf_init(&text, 1 << 16);
        assert_int_equal(as_model_config_write(&c, AS_BF16, &text, &err), 0);
        if (as_model_config_parse(&again, as_buf_str(&text), (as_str){ NULL, 0 }, "m", &err))
            fail_msg("%s\n%s", err.text, text.data);
        assert_true(again.type == c.type && again.n_layers == c.n_layers && again.d == c.d);
        assert_true(again.n_heads == c.n_heads && again.n_kv_heads == c.n_kv_heads);
        assert_true(again.head_dim == c.head_dim && again.d_ff == c.d_ff);
        assert_true(again.vocab == c.vocab && again.max_pos == c.max_pos);
        assert_true(again.rms_eps == c.rms_eps && again.rope_theta == c.rope_theta);
        assert_true(again.rope_type == c.rope_type && again.rope_factor == c.rope_factor);
        assert_true(again.rope_low == c.rope_low && again.rope_high == c.rope_high);
        assert_true(again.rope_original == c.rope_original && again.is_tied == c.is_tied);
        assert_true(again.n_eos == 2 && again.eos[0] == c.eos[0] && again.eos[1] == 7);
        assert_true(again.bos == c.bos && again.pad == c.pad && again.dtype == AS_BF16);
        err = (as_err){ 0 };
        assert_int_equal(as_model_config_write(&c, AS_I64, &text, &err), AS_EUSAGE);
        assert_string_equal(err.text, "config.json: no dtype of models is called I64");
        as_buf_fini(&text);
    }
}

static void test_rewritten(void **state)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        { "{ \"a\": 1.50, \"dtype\": \"float32\", \"z\": [ ] }\n",
          "{ \"a\": 1.50, \"dtype\": \"bfloat16\", \"z\": [ ] }\n" },
        { "{\"torch_dtype\":null,\"x\":\"dtype\"}",
          "{\"torch_dtype\":\"bfloat16\",\"x\":\"dtype\"}" },
        { " {\"a\":{\"dtype\":1}}", " {\n  \"torch_dtype\": \"bfloat16\",\"a\":{\"dtype\":1}}" },
        { "{\"dtype\":\"x\",\"architectures\": [ \"LlamaForCausalLM\" ] }",
          "{\"dtype\":\"bfloat16\",\"architectures\": [ \"LlamaForCausalLM\" ] }" },
        { "{\"dtype\":\"x\",\"architectures\":[\"LlamaForTokenClassification\"],\"has_value_head\":"
          "true}",
          "{\"dtype\":\"bfloat16\",\"architectures\":[\"LlamaForCausalLM\"],\"has_value_head\":"
          "false}" },
    };
    const as_model_config c = { .type = AS_LLAMA };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        as_buf out;
        as_err err = { 0 };
        as_buf_init(&out, 4096);
        assert_int_equal(
            as_model_config_rewrite(as_str_of(cases[i].before), &c, AS_BF16, &out, &err), 0);
        assert_string_equal(out.data, cases[i].after);
        as_buf_fini(&out);
    }
}

/* The same text given each kind of heads, and back again. */
static void test_heads(void **state)
{
    static const char lm[] =
        "{" QWEN2 ",\"architectures\":[\"Qwen2ForCausalLM\"],\"dtype\":\"float32\"}";
    static const struct {
        as_heads heads;
        bool has_bias;
    } kinds[] = { { AS_HEADS_SCORE, false },
                  { AS_HEADS_BOTH, false },
                  { AS_HEADS_SCORE, true },
                  { AS_HEADS_TOKENS, false } };
    as_buf text[2];
    as_model_config c, found;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(parse(&c, lm, NULL, &err), 0);
    assert_true(c.heads == AS_HEADS_TOKENS && as_has_tokens(&c) && !as_has_score(&c));
    as_buf_init(&text[0], 4096);
    as_buf_init(&text[1], 4096);
    as_buf_text(&text[1], lm);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        as_buf *to = &text[i % 2];
        c.heads = kinds[i].heads;
        c.has_score_bias = kinds[i].has_bias;
        as_buf_clear(to);
        assert_int_equal(
            as_model_config_rewrite(as_buf_str(&text[1 - i % 2]), &c, AS_F32, to, &err), 0);
        if (parse(&found, to->data, NULL, &err) != 0)
            fail_msg("%s\n%s", err.text, to->data);
        assert_true(found.heads == c.heads && found.has_score_bias == c.has_score_bias);
        assert_true(found.d == 64 && found.type == AS_QWEN2);
        as_buf_clear(to);
        assert_int_equal(as_model_config_write(&c, AS_F32, to, &err), 0);
        if (parse(&found, to->data, NULL, &err) != 0)
            fail_msg("%s\n%s", err.text, to->data);
        assert_true(found.heads == c.heads && found.has_score_bias == c.has_score_bias);
    }
    as_buf_fini(&text[0]);
    as_buf_fini(&text[1]);
    assert_int_equal(parse(&c,
                           "{" QWEN2 ",\"architectures\":[\"Qwen2ForSequenceClassification\"],"
                           "\"num_labels\":1}",
                           NULL, &err),
                     0);
    assert_true(c.heads == AS_HEADS_SCORE && !as_has_tokens(&c) && as_has_score(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves_exactly),  cmocka_unit_test(test_narrowing),
        cmocka_unit_test(test_convert_in_bulk), cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_dtype_names),     cmocka_unit_test(test_tiny_models),
        cmocka_unit_test(test_transformers_4),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refused_shapes),  cmocka_unit_test(test_written),
        cmocka_unit_test(test_rewritten),       cmocka_unit_test(test_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
