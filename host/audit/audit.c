/* audit.c -- the cases of one gold. SPDX-License-Identifier: Apache-2.0 */
#include "audit/audit.h"

#include "audit/split.h"
#include "audit/wrap.h"
#include "base/mem.h"

#include <stdio.h>

const char *const as_audit_class_names[AS_AUDIT_N_CLASSES] = { "self", "equal", "near-miss",
                                                               "hostile" };

enum { ANSWER_MAX = 1 << 20 };

typedef struct making {
    const as_audit_options *options;
    const as_gold *gold;
    as_str reference;
    uint64_t index;
    as_arena *arena;
    as_audit_case *out;
    unsigned n;
} making;

static int add_case(making *k, as_audit_class class, const char *shape, const char *what,
                    as_str completion, as_err *err)
{
    as_audit_case *c = &k->out[k->n];
    *c = (as_audit_case){ .class = class, .gold = k->index, .reference = k->reference };
    (void)snprintf(c->kind, sizeof c->kind, "%s:%s", shape, what);
    c->completion = as_arena_str(k->arena, completion);
    if (!c->completion.data)
        return as_fail(err, AS_ENOMEM, "out of memory");
    k->n++;
    return 0;
}

/* ---- the gold against itself ---- */

static int add_self(making *k, as_err *err)
{
    int rc = add_case(k, AS_AUDIT_SELF, "self", "bare", k->reference, err);
    if (rc < 0 || !as_split_balanced(k->reference))
        return rc;
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, ANSWER_MAX);
    as_buf_text(&text, "\\boxed{");
    as_buf_add(&text, k->reference);
    as_buf_byte(&text, '}');
    return text.failed ? 0 : add_case(k, AS_AUDIT_SELF, "self", "boxed", as_buf_str(&text), err);
}

/* ---- rewrites and near misses ---- */

static bool may_be_bare(const as_gold *g)
{
    return g->shape == AS_SHAPE_NUMBER && g->unit == AS_UNIT_NONE;
}

/* One in five varies what stands around the answer, the rest the answer itself. */
static int add_made(making *k, as_audit_class class, unsigned which, as_err *err)
{
    AS_CLEANUP(buf) as_buf answer = { 0 };
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&answer, ANSWER_MAX);
    as_buf_init(&text, ANSWER_MAX);
    bool is_equal = class == AS_AUDIT_EQUAL;
    as_maker m = { .out = &answer,
                   .rng = as_rng_at(k->options->seed,
                                    (k->index << 20) + 2 * (uint64_t)which + is_equal),
                   .arena = k->arena,
                   .is_tolerant = k->options->is_tolerant };
    const as_maker_row *row = NULL;
    if (as_maker_below(&m, 5) != 0)
        row = as_maker_pick(&m, is_equal ? as_equal_rows : as_miss_rows, k->gold);
    if (row) {
        if (!as_split_balanced(as_buf_str(&answer)))
            return 0;
        (void)as_wrap(&text, &m.rng, as_buf_str(&answer), may_be_bare(k->gold));
        return text.failed
                   ? 0
                   : add_case(k, class, as_shape_word(k->gold), row->name, as_buf_str(&text), err);
    }
    as_buf_clear(&answer);
    const char *name = is_equal ? as_wrap_equal(&m, k->gold) : as_wrap_miss(&m, k->gold);
    return name && !answer.failed
               ? add_case(k, class, "text-around", name, as_buf_str(&answer), err)
               : 0;
}

unsigned as_audit_most(const as_audit_options *o)
{
    return 2 + 2 * o->per_gold;
}

int as_audit_gold(const as_audit_options *o, as_str gold, uint64_t index, as_arena *arena,
                  as_audit_case *out, unsigned *n, as_err *err)
{
    as_gold read;
    *n = 0;
    if (as_str_is_blank(gold))
        return 0;
    as_str reference = as_arena_str(arena, gold);
    int rc = as_gold_read(&read, gold, arena, err);
    if (rc < 0 || !reference.data)
        return as_fail(err, AS_ENOMEM, "out of memory");
    making k = { .options = o,
                 .gold = &read,
                 .reference = reference,
                 .index = index,
                 .arena = arena,
                 .out = out };
    if (o->is_on[AS_AUDIT_SELF])
        rc = add_self(&k, err);
    for (unsigned i = 0; rc == 0 && o->is_on[AS_AUDIT_EQUAL] && i < o->per_gold; i++)
        rc = add_made(&k, AS_AUDIT_EQUAL, i, err);
    for (unsigned i = 0; rc == 0 && o->is_on[AS_AUDIT_MISS] && i < o->per_gold; i++)
        rc = add_made(&k, AS_AUDIT_MISS, i, err);
    *n = k.n;
    return rc;
}
