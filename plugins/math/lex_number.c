/* lex_number.c -- numbers: thousands separators, decimals, repeating parts, exponents.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/lex_state.h"

/* ---- thousands ---- */

typedef enum separator {
    SEP_NONE,
    SEP_COMMA,  /* 1,234: only where no comma separates */
    SEP_SPACE,  /* 1 234, 1~234, 1\ 234: likewise */
    SEP_BRACED, /* 1{,}234, with spaces also */
    SEP_THIN,   /* 1\,234 1{\,}234 */
    SEP_TIGHT,  /* 1,\!234 1\!,234 1\!234 */
    SEP_QUOTE,  /* 1'234 */
    SEP_UNDER   /* 1_234 */
} separator;

/* The comma in braces at s[i] ends where? i: there is none. */
static size_t braced_comma(const state *st, size_t i)
{
    size_t k = lex_blanks(st, i);
    if (lex_at(st, k) != '{')
        return i;
    k = lex_blanks(st, k + 1);
    if (lex_at(st, k) != ',')
        return i;
    k = lex_blanks(st, k + 1);
    return lex_at(st, k) == '}' ? k + 1 : i;
}

/* \! and , in either order, at least the \!. Where they end; i: there are none. */
static size_t tight_comma(const state *st, size_t i)
{
    size_t k = i;
    if (lex_ahead(st, k, "\\!")) {
        k += 2;
        return lex_at(st, k) == ',' ? lex_blanks(st, k + 1) : lex_blanks(st, k);
    }
    if (lex_at(st, k) != ',')
        return i;
    k = lex_blanks(st, k + 1);
    return lex_ahead(st, k, "\\!") ? lex_blanks(st, k + 2) : i;
}

static separator separator_at(const state *st, size_t i, size_t *end)
{
    char c = lex_at(st, i);
    *end = i + 1;
    switch (c) {
    case ',':
    case '\\':
        *end = tight_comma(st, i);
        if (*end > i)
            return SEP_TIGHT;
        *end = i + (c == ',' ? 1 : 2);
        if (c == ',')
            return SEP_COMMA;
        if (lex_at(st, i + 1) == ',')
            return SEP_THIN;
        return lex_at(st, i + 1) == ' ' ? SEP_SPACE : SEP_NONE;
    case ' ':
    case '{':
        *end = braced_comma(st, i);
        if (*end > i)
            return SEP_BRACED;
        if (lex_ahead(st, i, "{\\,}")) {
            *end = i + 4;
            return SEP_THIN;
        }
        *end = i + 1;
        return c == ' ' ? SEP_SPACE : SEP_NONE;
    case '~':
        return SEP_SPACE;
    case '\'':
        return SEP_QUOTE;
    case '_':
        return SEP_UNDER;
    default:
        return SEP_NONE;
    }
}

/* May such a separator group digits here at all? */
static bool may_group(const state *st, separator sep, size_t i)
{
    if (i < st->ungrouped)
        return false;
    switch (sep) {
    case SEP_NONE:
        return false;
    case SEP_SPACE:
        return !st->shut && !st->envs;
    case SEP_QUOTE:
    case SEP_UNDER:
        return !st->roman;
    case SEP_COMMA:
        return !st->no_groups;
    case SEP_BRACED:
    case SEP_THIN:
    case SEP_TIGHT:
    default:
        return true;
    }
}

/* (1,000): alone in its brackets, and 000 is no number of its own. */
static bool alone_in_brackets(const state *st, size_t end)
{
    if (lex_last(st) != T_LPAREN)
        return false;
    if (lex_at(st, end) == '.')
        end += 1 + lex_digits(st, end + 1);
    end = lex_blanks(st, end);
    return lex_at(st, end) == ')' || lex_ahead(st, end, "\\right)");
}

typedef struct grouping {
    size_t end; /* of all groups */
    bool fits, zero;
    bool lakhs; /* 1,00,000: by two digits but for the last group, as India writes */
    separator sep;
} grouping;

/* The groups after the first digits that end at i; all are read, nothing is written. */
static grouping find_groups(const state *st, size_t i)
{
    grouping g = { .end = i, .fits = true };
    bool twos = true;
    for (size_t past, before = 0;; before++) {
        separator sep = separator_at(st, g.end, &past);
        size_t n = sep == SEP_NONE || (g.sep && sep != g.sep) ? 0 : lex_digits(st, past);
        if (n == 0)
            return g;
        g.lakhs = twos && before && n == 3;
        twos = twos && n == 2;
        g.fits = g.fits && n == 3;
        g.zero = g.zero || st->s.data[past] == '0';
        g.sep = sep;
        g.end = past + n;
    }
}

/* Appends the digits of the groups after the first to the pool; where they end. All or nothing:
 * 1,234,56 and 27,54,108,135 have none. */
static size_t thousands(state *st, size_t i, size_t first)
{
    size_t past;
    separator sep = separator_at(st, i, &past);
    if (!may_group(st, sep, i) || !pc_is_digit(lex_at(st, past)))
        return i;
    grouping g = find_groups(st, i);
    bool lakhs = g.lakhs && g.zero && (sep == SEP_COMMA || sep == SEP_BRACED);
    bool ok = (g.fits || lakhs) && first <= 3 && st->s.data[i - first] != '0';
    if (sep == SEP_COMMA && st->shut)
        ok = ok && g.zero && alone_in_brackets(st, g.end);
    if (sep == SEP_SPACE) /* "5 100/200" is a mixed number */
        ok = ok && lex_at(st, g.end) != '/' && !lex_ahead(st, g.end, " /");
    if (!ok) {
        st->ungrouped = g.end;
        return i;
    }
    for (size_t k = i; k < g.end;) {
        (void)separator_at(st, k, &past);
        size_t n = lex_digits(st, past);
        pc_buf_add(&st->lx->pool, st->s.data + past, n);
        k = past + n;
    }
    return g.end;
}

/* ---- the repeating part ---- */

/* Digits in \overline{..}, \bar{..} (or bare) after the command's name at i: appended to the pool.
 * Where it ends; i: that is something else. */
static size_t marked_digits(const state *st, size_t i)
{
    pc_buf *pool = &st->lx->pool;
    size_t k = lex_blanks(st, i);
    bool braced = lex_at(st, k) == '{';
    k = braced ? lex_blanks(st, k + 1) : k;
    size_t n = lex_digits(st, k), from = k;
    n = !braced && n ? 1 : n;
    k = braced ? lex_blanks(st, k + n) : k + n;
    if (n == 0 || (braced && lex_at(st, k) != '}'))
        return i;
    pc_buf_add(pool, st->s.data + from, n);
    return k + braced;
}

/* 0.\dot{1}4285\dot{7}: the dots stand on the first and the last digit of the block. */
static size_t dotted_digits(const state *st, size_t i)
{
    size_t end = marked_digits(st, i);
    if (end == i)
        return i;
    size_t n = lex_digits(st, end), k = end + n;
    if (!lex_ahead(st, k, "\\dot"))
        return end;
    size_t mark = st->lx->pool.len;
    pc_buf_add(&st->lx->pool, st->s.data + end, n);
    size_t past = marked_digits(st, k + 4);
    if (past == k + 4) { /* not a digit's dot */
        st->lx->pool.len = mark;
        return end;
    }
    return past;
}

/* A block marked as repeating, at i; its digits go to the pool in brackets. */
static size_t marked_block(const state *st, size_t i)
{
    static const char *const names[] = { "\\overline", "\\bar", "\\widebar", "\\dot" };
    pc_buf *pool = &st->lx->pool;
    size_t mark = pool->len, end = i;
    pc_buf_byte(pool, '(');
    for (bool more = true; more;) { /* \overline{1}\overline{4} */
        more = false;
        for (size_t k = 0; k < 4 && !more; k++) {
            size_t name = strlen(names[k]), at = end + name;
            if (!lex_ahead(st, end, names[k]) || pc_is_alpha(lex_at(st, at)))
                continue;
            size_t past = k == 3 ? dotted_digits(st, at) : marked_digits(st, at);
            more = past > at;
            end = more ? past : end;
        }
    }
    if (end == i)
        pool->len = mark;
    else
        pc_buf_byte(pool, ')');
    return end;
}

bool lex_repeats(const state *st, size_t i)
{
    size_t mark = st->lx->pool.len, end = lex_at(st, i) == '\\' ? marked_block(st, i) : i;
    st->lx->pool.len = mark;
    return end > i;
}

/* 0.(3) and, standing alone, 0.1(6); elsewhere 2.5(4) is a product. */
static size_t bracket_block(const state *st, size_t i, size_t n_decimals)
{
    size_t n = lex_at(st, i) == '(' ? lex_digits(st, i + 1) : 0;
    if (n == 0 || lex_at(st, i + 1 + n) != ')')
        return i;
    size_t end = i + n + 2, next = lex_blanks(st, end);
    uint8_t before = lex_last(st);
    bool alone = (next >= st->s.len || pc_in(st->s.data[next], ",;$")) &&
                 (before == T_END || before == T_REL || before == T_MINUS || before == T_COMMA);
    if (n_decimals && !alone)
        return i;
    pc_buf_add(&st->lx->pool, st->s.data + i, n + 2);
    return end;
}

static size_t dots_at(const state *st, size_t i)
{
    static const char *const names[] = { "\\ldots", "\\dots", "\\cdots", "\\dotso", "\\dotsc" };
    if (lex_ahead(st, i, "..."))
        return 3;
    for (size_t k = 0; lex_at(st, i) == '\\' && k < sizeof names / sizeof *names; k++)
        if (lex_ahead(st, i, names[k]) && !pc_is_alpha(lex_at(st, i + strlen(names[k]))))
            return strlen(names[k]);
    return 0;
}

enum { MAX_PERIOD = 32 };

/* The period of the digits that end at d[n): they repeat at least twice, and fill half of all. */
static size_t period(const char *d, size_t n)
{
    for (size_t p = 1; p <= MAX_PERIOD && 2 * p <= n; p++) {
        if (memcmp(d + n - p, d + n - 2 * p, p) != 0)
            continue;
        size_t run = 2 * p;
        while (run < n && d[n - run - 1] == d[n - run - 1 + p])
            run++;
        return 2 * run >= n ? p : 0;
    }
    return 0;
}

/* 0.333... is 0.(3): the block that repeats is put in brackets, in the pool. 2.718281828... is e.
 */
static size_t dotted_block(const state *st, size_t i, size_t n_decimals)
{
    pc_buf *pool = &st->lx->pool;
    size_t k = lex_blanks(st, i), dots = dots_at(st, k);
    if (!dots || n_decimals < 2)
        return i;
    const char *d = pool->data + pool->len - n_decimals;
    size_t p = period(d, n_decimals);
    if (p == 0 || (n_decimals >= 9 && memcmp(d, "718281828", 9) == 0))
        return i;
    size_t n = n_decimals; /* 0.353535 -> 0.(35): the copies fall away */
    while (n >= 2 * p && memcmp(d + n - p, d + n - 2 * p, p) == 0)
        n -= p;
    char block[MAX_PERIOD];
    memcpy(block, d + n - p, p);
    pool->len = pool->len - n_decimals + n - p;
    pc_buf_byte(pool, '(');
    pc_buf_add(pool, block, p);
    pc_buf_byte(pool, ')');
    return k + dots;
}

/* ---- decimals, exponent ---- */

/* 3.141\,592: groups of three go on behind the point. */
static size_t more_decimals(const state *st, size_t i, size_t n)
{
    while (n % 3 == 0 && (lex_ahead(st, i, "\\,") || lex_ahead(st, i, "\\!")) &&
           lex_digits(st, i + 2) == 3) {
        pc_buf_add(&st->lx->pool, st->s.data + i + 2, 3);
        i += 5;
        n += 3;
    }
    return i;
}

/* What may follow a point that ends a number without decimals: 3./2, (5.), not the end of a
 * sentence. */
static bool point_is_kept_out(const state *st, size_t i)
{
    char c = lex_at(st, i);
    return c && pc_in(c, "/*+-^)]},;\\$%=<>|!:&");
}

static size_t decimals(state *st, size_t i)
{
    pc_buf *pool = &st->lx->pool;
    if (lex_at(st, i) != '.' || lex_at(st, i + 1) == '.')
        return i;
    size_t n = lex_digits(st, i + 1), end = i + 1 + n, mark = pool->len;
    pc_buf_add(pool, st->s.data + i, n + 1);
    if (pool->failed)
        return i;
    size_t past = more_decimals(st, end, n);
    n += pool->len - (mark + n + 1);
    end = past;
    past = marked_block(st, end);
    past = past > end ? past : bracket_block(st, end, n);
    past = past > end ? past : dotted_block(st, end, n);
    if (past > end || n)
        return past;
    pool->len = mark; /* a point and nothing */
    return point_is_kept_out(st, end) ? end : i;
}

static size_t exponent(state *st, size_t i)
{
    char c = lex_at(st, i);
    if (c != 'e' && c != 'E')
        return i;
    size_t k = i + 1;
    bool minus = lex_at(st, k) == '-';
    k += minus || lex_at(st, k) == '+';
    size_t n = lex_digits(st, k), end = k + n;
    c = lex_at(st, end);
    if (n == 0 || pc_is_alpha(c) || (c == '.' && pc_is_digit(lex_at(st, end + 1))))
        return i;
    while (n > 1 && st->s.data[k] == '0') {
        k++;
        n--;
    }
    pc_buf_text(&st->lx->pool, minus ? "e-" : "e");
    pc_buf_add(&st->lx->pool, st->s.data + k, n);
    return end;
}

/* ---- */

static bool put_number(state *st, size_t at, size_t len, size_t n_digits, size_t end)
{
    if (st->lx->pool.failed)
        return false;
    if (n_digits > MATH_DIGITS) {
        st->lx->why = "the number has too many digits";
        return false;
    }
    st->i = end;
    return lex_item(st, T_NUM, at, len);
}

/* A number that is a bare argument: one digit, or all of them and their decimals. */
static bool bare_number(state *st, unsigned role)
{
    size_t n = lex_digits(st, st->i);
    bool ten = n == 2 && lex_ahead(st, st->i, "10");
    if (n && (role == ROLE_TEX || (role == ROLE_LOG && !ten)))
        n = 1;
    else if (n && role != ROLE_SUB && role != ROLE_LOG && lex_at(st, st->i + n) == '.' &&
             lex_digits(st, st->i + n + 1))
        n += 1 + lex_digits(st, st->i + n + 1);
    if (n)
        return put_number(st, st->i, n, n, st->i + n);
    n = role == ROLE_TEX ? 1 : lex_digits(st, st->i + 1); /* .5 */
    size_t mark = st->lx->pool.len;
    pc_buf_byte(&st->lx->pool, '0');
    pc_buf_add(&st->lx->pool, st->s.data + st->i, n + 1);
    return put_number(st, mark, n + 2, n, st->i + n + 1);
}

bool lex_number(state *st)
{
    unsigned how = lex_role(st);
    if (how != ROLE_NONE)
        return bare_number(st, how);
    pc_buf *pool = &st->lx->pool;
    size_t first = lex_digits(st, st->i), plain = st->i + first;
    if (first) { /* nothing but digits: the usual case */
        char next = lex_at(st, plain);
        if (!next || (!pc_in(next, ".,{\\ ~'_eE") && !pc_is_space(next)))
            return put_number(st, st->i, first, first, plain);
    }
    size_t mark = pool->len;
    pc_buf_add(pool, first ? st->s.data + st->i : "0", first ? first : 1);
    size_t grouped = first ? thousands(st, plain, first) : plain, end = decimals(st, grouped);
    size_t n_digits = pool->len - mark;
    end = exponent(st, end);
    bool comma = grouped == plain + 4 && end == grouped && lex_at(st, plain) == ',';
    uint32_t n = st->lx->n;
    bool ok = put_number(st, mark, pool->len - mark, n_digits, end);
    if (ok && comma && st->lx->n == n + 1)
        st->lx->tokens[n].comma = true;
    return ok;
}
