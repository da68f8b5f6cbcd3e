/* weights.c -- lays the weights of a model out in one arena.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/weights.h"

#include "base/arena.h"
#include "base/mem.h"

#include <assert.h>

/* What one as_tensor is made of, top to bottom; its name after "model.layers.N." or as it is. */
static const struct {
    const char *names[3];
    bool is_of_layer;
} roles[AS_W_ROLES] = {
    [AS_W_EMBED] = { { "model.embed_tokens.weight" }, false },
    [AS_W_NORM_ATTN] = { { "input_layernorm.weight" }, true },
    [AS_W_QKV] = { { "self_attn.q_proj.weight", "self_attn.k_proj.weight",
                     "self_attn.v_proj.weight" },
                   true },
    [AS_W_QKV_BIAS] = { { "self_attn.q_proj.bias", "self_attn.k_proj.bias",
                          "self_attn.v_proj.bias" },
                        true },
    [AS_W_Q_NORM] = { { "self_attn.q_norm.weight" }, true },
    [AS_W_K_NORM] = { { "self_attn.k_norm.weight" }, true },
    [AS_W_O] = { { "self_attn.o_proj.weight" }, true },
    [AS_W_NORM_MLP] = { { "post_attention_layernorm.weight" }, true },
    [AS_W_GATE_UP] = { { "mlp.gate_proj.weight", "mlp.up_proj.weight" }, true },
    [AS_W_DOWN] = { { "mlp.down_proj.weight" }, true },
    [AS_W_NORM_OUT] = { { "model.norm.weight" }, false },
    [AS_W_HEAD] = { { "lm_head.weight" }, false },
    [AS_W_SCORE] = { { "score.weight" }, false },
    [AS_W_SCORE_BIAS] = { { "score.bias" }, false },
};

static bool has_role(const as_model_config *c, as_role role)
{
    if (role == AS_W_QKV_BIAS)
        return c->has_qkv_bias;
    if (role == AS_W_Q_NORM || role == AS_W_K_NORM)
        return c->has_qk_norm;
    if (role == AS_W_SCORE || role == AS_W_SCORE_BIAS)
        return as_has_score(c) && (role == AS_W_SCORE || c->has_score_bias);
    return role != AS_W_HEAD || (!c->is_tied && as_has_tokens(c));
}

/* The `out` side of part i, and the `in` side of all parts (0: one-dimensional). */
static int64_t part_rows(const as_model_config *c, as_role role, unsigned i, int64_t *cols)
{
    *cols = c->d;
    switch (role) {
    case AS_W_EMBED:
    case AS_W_HEAD:
        return c->vocab;
    case AS_W_QKV:
        return (i == 0 ? c->n_heads : c->n_kv_heads) * c->head_dim;
    case AS_W_GATE_UP:
        return c->d_ff;
    case AS_W_O:
        *cols = c->n_heads * c->head_dim;
        return c->d;
    case AS_W_DOWN:
        *cols = c->d_ff;
        return c->d;
    case AS_W_SCORE:
        return 1;
    case AS_W_SCORE_BIAS:
        *cols = 0;
        return 1;
    case AS_W_QKV_BIAS:
        *cols = 0;
        return (i == 0 ? c->n_heads : c->n_kv_heads) * c->head_dim;
    case AS_W_Q_NORM:
    case AS_W_K_NORM:
        *cols = 0;
        return c->head_dim;
    case AS_W_NORM_ATTN:
    case AS_W_NORM_MLP:
    case AS_W_NORM_OUT:
    case AS_W_ROLES:
        break;
    }
    *cols = 0;
    return c->d;
}

typedef struct maker {
    as_weights_index index;
    as_arena arena;
    as_tensor *tensors;
    as_part *parts;
} maker;

/* The sizes are as config.h promises: nothing here overflows. */
static bool add(maker *m, as_role role, int64_t layer)
{
    as_weights_index *x = &m->index;
    as_tensor *t = &m->tensors[x->n_tensors];
    *t = (as_tensor){ .role = role, .layer = layer, .offset = x->n_elements, .part = x->n_parts };
    for (unsigned i = 0; i < 3 && roles[role].names[i]; i++) {
        int64_t cols, rows = part_rows(&x->config, role, i, &cols);
        as_str name = layer < 0 ? as_str_of(roles[role].names[i])
                                : as_arena_fmt(&m->arena, "model.layers.%lld.%s", (long long)layer,
                                               roles[role].names[i]);
        if (!name.data)
            return false;
        as_part *p = &m->parts[x->n_parts++];
        *p = (as_part){ .name = name.data, .n_dims = cols ? 2 : 1, .dims = { rows, cols } };
        p->tensor = x->n_tensors;
        p->offset = t->offset + t->n;
        p->n = (size_t)rows * (size_t)(cols ? cols : 1);
        t->n += p->n;
        t->n_parts++;
        t->rows = cols ? t->rows + rows : 1;
        t->cols = cols ? cols : t->cols + rows;
    }
    x->n_tensors++;
    x->n_params += t->n;
    size_t end = t->offset + t->n;
    x->n_elements = (end + AS_WEIGHTS_ALIGN - 1) / AS_WEIGHTS_ALIGN * AS_WEIGHTS_ALIGN;
    return true;
}

static bool add_all(maker *m)
{
    const as_model_config *c = &m->index.config;
    bool ok = add(m, AS_W_EMBED, -1);
    for (int64_t layer = 0; layer < c->n_layers; layer++)
        for (unsigned role = 0; role < AS_W_ROLES && ok; role++)
            if (roles[role].is_of_layer && has_role(c, (as_role)role))
                ok = add(m, (as_role)role, layer);
    for (unsigned role = AS_W_NORM_OUT; role < AS_W_ROLES && ok; role++)
        if (has_role(c, (as_role)role))
            ok = add(m, (as_role)role, -1);
    return ok;
}

int as_weights_index_new(as_weights_index **out, const as_model_config *config, as_err *err)
{
    enum { PARTS_MAX = 3 };
    size_t n = (size_t)config->n_layers * AS_W_ROLES + AS_W_ROLES;
    maker *m = as_calloc(1, sizeof *m);
    *out = NULL;
    if (!m)
        return as_fail(err, AS_ENOMEM, "out of memory for the index of weights");
    m->index.config = *config;
    as_arena_init(&m->arena, 0);
    m->tensors = as_arena_calloc(&m->arena, n, sizeof *m->tensors);
    m->parts = as_arena_calloc(&m->arena, n, PARTS_MAX * sizeof *m->parts);
    if (!m->tensors || !m->parts || !add_all(m)) {
        as_weights_index_free(&m->index);
        return as_fail(err, AS_ENOMEM, "out of memory for the index of weights");
    }
    m->index.tensors = m->tensors;
    m->index.parts = m->parts;
    *out = &m->index;
    return 0;
}

void as_weights_index_free(as_weights_index *index)
{
    maker *m = (maker *)index; /* its first member */
    if (!m)
        return;
    as_arena_fini(&m->arena);
    as_free(m);
}

const as_tensor *as_weights_tensor(const as_weights_index *index, as_role role, int64_t layer)
{
    const as_model_config *c = &index->config;
    if (!has_role(c, role))
        return NULL;
    if (role == AS_W_EMBED)
        return &index->tensors[0];
    size_t behind = 0, before = 0, of_layer = 0;
    for (unsigned r = (unsigned)role; r < AS_W_ROLES; r++)
        behind += has_role(c, (as_role)r);
    if (role >= AS_W_NORM_OUT)
        return &index->tensors[index->n_tensors - behind];
    assert(layer >= 0 && layer < c->n_layers);
    for (unsigned r = 0; r < AS_W_ROLES; r++) {
        size_t is_there = roles[r].is_of_layer && has_role(c, (as_role)r);
        before += r < (unsigned)role ? is_there : 0;
        of_layer += is_there;
    }
    return &index->tensors[1 + (size_t)layer * of_layer + before];
}
