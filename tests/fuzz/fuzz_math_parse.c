/* fuzz_math_parse.c -- the parser of answers: a tree is well formed and within its limits, what was
 * read before does not matter, a gold and a prediction are both read or refused with a reason, what
 * is printed can be read again. SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "math/parse.h"

#include <string.h>

static math_parser used, fresh;
static math_tree tree, other;
static pc_buf printed, again;

/* Exactly, or at least, so many children. */
static bool has_arity(const math_node *n)
{
    switch ((unsigned)n->kind) {
    case M_NUM:
    case M_SYM:
    case M_PI:
    case M_E:
    case M_I:
    case M_INF:
    case M_BASE:
    case M_NAMED:
    case M_EMPTY:
    case M_TEXT:
        return n->n == 0;
    case M_NEG:
    case M_SQRT:
    case M_FACT:
    case M_PERCENT:
    case M_DEGREE:
    case M_UNIT:
        return n->n == 1;
    case M_DIV:
    case M_POW:
    case M_ROOT:
    case M_LOG:
    case M_BINOM:
    case M_MOD:
    case M_INTERVAL:
    case M_SETMINUS:
    case M_DERIV:
    case M_LABEL:
        return n->n == 2;
    case M_ADD:
    case M_MUL:
    case M_TUPLE:
    case M_LIST:
    case M_UNION:
    case M_INTERSECT:
    case M_RATIO:
        return n->n >= 2;
    case M_PM:
        return n->n == 1 || n->n == 2;
    case M_FUNC:
        return n->n >= 1 && n->op > FN_NONE && n->op < FN_COUNT;
    case M_SUM:
    case M_PROD:
        return n->n == 4;
    case M_INT:
        return n->n == 2 || n->n == 4;
    case M_LIM:
        return n->n == 3;
    case M_REL:
        return n->n >= 2 && n->len + 1 == n->n;
    case M_MATRIX:
        return n->op > 0 && n->n > 0 && n->n % n->op == 0;
    case M_PIECEWISE:
        return n->n >= 2 && n->n % 2 == 0;
    case M_FAMILY:
    case M_SETBUILDER:
        return n->n >= 2;
    default:
        return n->kind < M_KINDS;
    }
}

/* Children stand before their parents, so that nothing below can be a circle; depth[i] follows. */
static void check_tree(const math_tree *t)
{
    static uint16_t depth[MATH_NODES + 1];
    FUZZ_CHECK(t->n <= MATH_NODES && t->root < t->n && !t->full);
    for (math_id id = 1; id < t->n; id++) {
        const math_node *n = math_at(t, id);
        FUZZ_CHECK(n->kind < M_KINDS && has_arity(n));
        FUZZ_CHECK((size_t)n->at + n->len <= t->pool.len);
        FUZZ_CHECK((uint64_t)n->first + n->n <= t->n_kids);
        depth[id] = 1;
        for (uint32_t i = 0; i < n->n; i++) {
            math_id kid = math_kid(t, id, i);
            FUZZ_CHECK(kid < id && (kid != 0 || n->kind == M_PIECEWISE));
            if (depth[kid] >= depth[id])
                depth[id] = (uint16_t)(depth[kid] + 1);
        }
    }
    FUZZ_CHECK(depth[t->root] <= 4 * MATH_DEPTH);
}

static bool read_one(math_parser *p, assay_str text, bool is_gold, math_tree *out)
{
    bool ok = math_parse(p, text, is_gold, out);
    FUZZ_CHECK(ok == (out->root != 0) && (ok || p->why));
    if (ok)
        check_tree(out);
    return ok;
}

/* One reading, by a parser that has read before and by one that has not; and the way back. */
static void check(assay_str text, bool is_gold)
{
    bool ok = read_one(&used, text, is_gold, &tree);
    FUZZ_CHECK(read_one(&fresh, text, is_gold, &other) == ok);
    if (ok) {
        FUZZ_CHECK(math_same_tree(&tree, tree.root, &other, other.root));
        pc_buf_clear(&printed);
        math_print(&tree, tree.root, &printed);
        FUZZ_CHECK(!printed.failed && printed.len > 0);
        pc_buf_clear(&again);
        math_print_rewritten(&tree, tree.root, text.len, &again);
        FUZZ_CHECK(!again.failed);
        (void)read_one(&used, pc_buf_str(&printed), false, &other);
        (void)read_one(&used, pc_buf_str(&again), false, &other);
    }
    math_parser_fini(&fresh);
    memset(&fresh, 0, sizeof fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); /* data[len] == 0, as the ABI promises; and ASan sees the end */
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    copy[size] = 0;
    check((assay_str){ copy, size }, false);
    check((assay_str){ copy, size }, true);
    free(copy);
    return 0;
}
