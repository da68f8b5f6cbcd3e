/* fuzz_model_config.c -- any text as config.json; what follows a zero byte is the
 * generation_config.json beside it. What is accepted keeps config.h's promises, has a layout, and
 * is the same when it is written and read again. SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "fuzz_line.h"
#include "model/weights.h"

static void check_layout(const as_model_config *c)
{
    as_weights_index *x = NULL;
    FUZZ_CHECK(as_weights_index_new(&x, c, NULL) == 0);
    for (size_t i = 0; i < x->n_parts; i++)
        FUZZ_CHECK(x->parts[i].n <= (size_t)1 << 42);
    FUZZ_CHECK(x->n_params <= x->n_elements && x->n_elements <= (size_t)1 << 56);
    as_weights_index_free(x);
}

static void check_again(const as_model_config *c, as_str text)
{
    const as_str none = { NULL, 0 };
    as_model_config again;
    as_buf out;
    as_buf_init(&out, 1u << 30);
    FUZZ_CHECK(as_model_config_write(c, AS_BF16, &out, NULL) == 0);
    FUZZ_CHECK(as_model_config_parse(&again, as_buf_str(&out), none, "fuzz", NULL) == 0);
    FUZZ_CHECK(again.type == c->type && again.n_layers == c->n_layers && again.d == c->d);
    FUZZ_CHECK(again.head_dim == c->head_dim && again.vocab == c->vocab);
    FUZZ_CHECK(again.rope_theta == c->rope_theta && again.rope_factor == c->rope_factor);
    FUZZ_CHECK(again.rms_eps == c->rms_eps && again.n_eos == c->n_eos && again.pad == c->pad);
    FUZZ_CHECK(again.dtype == AS_BF16 && again.heads == c->heads);
    FUZZ_CHECK(again.has_score_bias == c->has_score_bias);
    as_buf_clear(&out);
    FUZZ_CHECK(as_model_config_rewrite(text, c, AS_F16, &out, NULL) == 0);
    FUZZ_CHECK(as_model_config_parse(&again, as_buf_str(&out), none, "fuzz", NULL) == 0);
    FUZZ_CHECK(again.dtype == AS_F16 && again.n_layers == c->n_layers);
    FUZZ_CHECK(again.heads == c->heads);
    as_model_config other = *c;
    other.heads = c->heads == AS_HEADS_SCORE ? AS_HEADS_TOKENS : AS_HEADS_SCORE;
    as_buf_clear(&out);
    FUZZ_CHECK(as_model_config_rewrite(text, &other, AS_F16, &out, NULL) == 0);
    FUZZ_CHECK(as_model_config_parse(&again, as_buf_str(&out), none, "fuzz", NULL) == 0);
    FUZZ_CHECK(again.heads == other.heads);
    as_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *cut = size ? memchr(text, 0, size) : NULL;
    as_str config = { text, cut ? (size_t)(cut - text) : size };
    as_str generation = { cut ? cut + 1 : NULL, cut ? size - config.len - 1 : 0 };
    as_model_config c;
    as_err err = { 0 };
    int rc = as_model_config_parse(&c, config, generation, "fuzz", &err);
    if (rc < 0) {
        FUZZ_CHECK(rc == AS_EDATA);
        fuzz_check_line(err.text);
        return 0;
    }
    FUZZ_CHECK(c.n_heads % c.n_kv_heads == 0 && c.head_dim % 2 == 0 && c.n_eos <= AS_EOS_MAX);
    for (unsigned i = 0; i < c.n_eos; i++)
        FUZZ_CHECK(c.eos[i] >= 0 && c.eos[i] < c.vocab);
    FUZZ_CHECK(c.bos < c.vocab && c.pad < c.vocab);
    check_layout(&c);
    check_again(&c, config);
    return 0;
}
