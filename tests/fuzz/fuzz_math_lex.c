/* fuzz_math_lex.c -- the lexer of answers: its tokens lie in the pool and are not too many, what
 * was lexed before does not matter, nor does white space around, and every bare argument gets both
 * of its braces. SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "math/lex.h"

static lexer used, fresh;
static pc_buf normal, again;

static void check_tokens(const lexer *lx)
{
    FUZZ_CHECK(lx->n < MATH_TOKENS && lx->tokens[lx->n].kind == T_END);
    for (uint32_t i = 0; i < lx->n; i++) {
        const token *t = &lx->tokens[i];
        FUZZ_CHECK(t->kind > T_END && t->kind <= T_OTHER);
        FUZZ_CHECK((size_t)t->at + t->len <= lx->pool.len && t->len > 0);
    }
}

/* A number's text is what tree.h says of M_NUM. */
static void check_number(assay_str t)
{
    size_t i = 0, digits = 0;
    while (i < t.len && pc_is_digit(t.data[i]))
        i++;
    FUZZ_CHECK(i > 0);
    if (i < t.len && t.data[i] == '.') {
        for (i++; i < t.len && pc_is_digit(t.data[i]); i++)
            digits++;
        size_t open = i;
        if (i < t.len && t.data[i] == '(') {
            for (i++; i < t.len && pc_is_digit(t.data[i]); i++)
                digits++;
            FUZZ_CHECK(i > open + 1 && i < t.len && t.data[i] == ')');
            i++;
        }
        FUZZ_CHECK(digits > 0);
    }
    if (i < t.len && t.data[i] == 'e') {
        i += i + 1 < t.len && t.data[i + 1] == '-' ? 2 : 1;
        FUZZ_CHECK(i < t.len);
        while (i < t.len && pc_is_digit(t.data[i]))
            i++;
    }
    FUZZ_CHECK(i == t.len);
}

static bool brings_brackets(assay_str s)
{
    static const char *const words[] = { "{", "}", "(", ")", "[", "]", "paren", "brack", "group" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (pc_find(s, words[i], 0) != PC_NONE)
            return true;
    return !pc_is_ascii(s);
}

static void check_braces(const lexer *lx)
{
    int64_t open = 0;
    for (uint32_t i = 0; i < lx->n; i++) {
        open += lx->tokens[i].kind == T_OPEN;
        open -= lx->tokens[i].kind == T_CLOSE;
        FUZZ_CHECK(open >= 0);
    }
    FUZZ_CHECK(open == 0);
}

static void normal_form(const lexer *lx, pc_buf *out)
{
    pc_buf_clear(out);
    math_lex_text(lx, 0, lx->n, out);
    FUZZ_CHECK(!out->failed);
}

static void check_padded(assay_str s)
{
    pc_buf padded = { 0 };
    pc_buf_text(&padded, " \n");
    pc_buf_add(&padded, s.data, s.len);
    pc_buf_text(&padded, "\t ");
    if (padded.len <= MATH_BYTES) {
        FUZZ_CHECK(math_lex(&used, pc_buf_str(&padded)));
        normal_form(&used, &again);
        FUZZ_CHECK(pc_eq(pc_buf_str(&normal), pc_buf_str(&again)));
    }
    pc_buf_fini(&padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const assay_str s = { size ? (const char *)data : "", size };
    bool ok = math_lex(&used, s);
    FUZZ_CHECK(ok == (used.why == NULL));
    FUZZ_CHECK(math_lex(&fresh, s) == ok && fresh.n == used.n);
    if (ok) {
        check_tokens(&used);
        for (uint32_t i = 0; i < used.n; i++)
            if (used.tokens[i].kind == T_NUM)
                check_number(math_tok_text(&used, i));
        if (!brings_brackets(s))
            check_braces(&used);
        normal_form(&used, &normal);
        normal_form(&fresh, &again);
        FUZZ_CHECK(pc_eq(pc_buf_str(&normal), pc_buf_str(&again)));
        check_padded(s);
    }
    math_lex_fini(&fresh);
    return 0;
}
