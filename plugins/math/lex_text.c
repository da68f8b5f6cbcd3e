/* lex_text.c -- the normal form of tokens as text. SPDX-License-Identifier: Apache-2.0 */
#include "math/lex_state.h"

static const char *relation_text(char op)
{
    switch ((math_relop)op) {
    case REL_EQ:
        return "=";
    case REL_NE:
        return "\\ne";
    case REL_LT:
        return "<";
    case REL_LE:
        return "\\le";
    case REL_GT:
        return ">";
    case REL_GE:
        return "\\ge";
    case REL_APPROX:
        return "\\approx";
    case REL_EQUIV:
        return "\\equiv";
    case REL_IN:
        return "\\in";
    case REL_NOTIN:
        return "\\notin";
    case REL_SUBSET:
        return "\\subset";
    case REL_IMPLIES:
        return "\\implies";
    case REL_OTHER:
    default:
        return "\\sim";
    }
}

/* The text of a token in the normal form, where it is not the token's own. */
static const char *fixed_text(math_tok kind, assay_str t)
{
    static const char *const texts[T_OTHER + 1] = {
        [T_BAR] = "|",           [T_DBAR] = "\\|",      [T_LANGLE] = "\\langle",
        [T_RANGLE] = "\\rangle", [T_BEGIN] = "\\begin", [T_ENDENV] = "\\end",
    };
    if (kind == T_REL)
        return relation_text(t.data[0]);
    if (kind == T_PM)
        return pc_is(t, "-") ? "\\mp" : "\\pm";
    if (kind == T_TIMES)
        return pc_is(t, "x") ? "\\times" : "*";
    return texts[kind];
}

static bool is_wordy(char c)
{
    return pc_is_alpha(c) || pc_is_digit(c) || (unsigned char)c >= 0x80;
}

void math_lex_text(const lexer *lx, uint32_t from, uint32_t to, pc_buf *out)
{
    math_tok before = T_END;
    for (uint32_t i = from; i < to; i++) {
        assay_str t = math_tok_text(lx, i), own = t;
        math_tok kind = (math_tok)lx->tokens[i].kind;
        const char *fixed = fixed_text(kind, t);
        if (fixed)
            t = (assay_str){ fixed, strlen(fixed) };
        char last = 0, first = t.data[0]; /* no token is empty */
        if (i > from && out->len)
            last = out->data[out->len - 1];
        bool words = is_wordy(last) && is_wordy(first);
        bool point = (last == '.' && kind == T_NUM) || (first == '.' && before == T_NUM);
        if (words || point)
            pc_buf_byte(out, ' ');
        pc_buf_add(out, t.data, t.len);
        if (kind == T_BEGIN || kind == T_ENDENV) {
            pc_buf_byte(out, '{');
            pc_buf_add(out, own.data, own.len);
            pc_buf_byte(out, '}');
        }
        before = kind;
    }
}
