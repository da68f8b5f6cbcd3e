/* number.c -- see number.h. Recursive descent over token ranges; every number is charged to a
 * budget of digits before it is evaluated, so the cost is bounded by the length of the text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/number.h"

#include "math/units.h"

#include <flint/fmpq.h>
#include <stdlib.h>

enum { MAX_NEST = 32, MAX_PARTS = 4096 };

typedef struct range {
    uint32_t lo, hi;
} range;

static uint8_t kind_at(const math_reader *r, uint32_t i)
{
    return r->lx.tokens[i].kind;
}

static bool opens(uint8_t kind)
{
    return kind == T_OPEN || kind == T_SET_OPEN || kind == T_PAREN_OPEN || kind == T_SQUARE_OPEN;
}

static bool closes(uint8_t kind)
{
    return kind == T_CLOSE || kind == T_SET_CLOSE || kind == T_PAREN_CLOSE ||
           kind == T_SQUARE_CLOSE;
}

/* Index past the bracket that ends the one at lo (any bracket ends any: [0,1) is an interval); hi +
 * 1: none does. */
static uint32_t group_end(const math_reader *r, uint32_t lo, uint32_t hi)
{
    uint32_t depth = 0;
    for (uint32_t i = lo; i < hi; i++) {
        depth += opens(kind_at(r, i));
        if (closes(kind_at(r, i)) && --depth == 0)
            return i + 1;
    }
    return hi + 1;
}

static range strip_groups(const math_reader *r, range g)
{
    while (g.hi > g.lo + 1 && kind_at(r, g.lo) == T_OPEN && kind_at(r, g.hi - 1) == T_CLOSE &&
           group_end(r, g.lo, g.hi) == g.hi) {
        g.lo++;
        g.hi--;
    }
    return g;
}

/* The first token of one of two kinds outside brackets; hi: there is none. */
static uint32_t find_outside(const math_reader *r, range g, uint8_t a, uint8_t b)
{
    uint32_t depth = 0;
    for (uint32_t i = g.lo; i < g.hi; i++) {
        uint8_t k = kind_at(r, i);
        if (depth == 0 && (k == a || k == b))
            return i;
        depth += opens(k);
        depth -= closes(k) && depth > 0;
    }
    return g.hi;
}

/* ---- rationals ---- */

static bool charge(math_reader *r, size_t digits)
{
    if (digits > MATH_DIGITS || digits > r->budget) {
        r->why = "the number has too many digits";
        return false;
    }
    r->budget -= (uint32_t)digits;
    return true;
}

/* digits[.digits][e[+-]digits] as the lexer wrote it. */
typedef struct decimal {
    char digits[MATH_DIGITS + 2]; /* without the point */
    size_t n;
    long shift; /* value = digits * 10^shift */
} decimal;

static bool split_decimal(math_reader *r, assay_str t, decimal *d)
{
    *d = (decimal){ .n = 0 };
    size_t i = 0;
    for (bool point = false; i < t.len && (pc_is_digit(t.data[i]) || t.data[i] == '.'); i++) {
        if (t.data[i] == '.') {
            point = true;
            continue;
        }
        if (d->n > MATH_DIGITS)
            return charge(r, d->n);
        d->digits[d->n++] = t.data[i];
        d->shift -= point;
    }
    long e = 0;
    bool negative = i + 1 < t.len && t.data[i + 1] == '-';
    for (i += 1; i < t.len; i++)
        if (pc_is_digit(t.data[i]) && e <= MATH_DIGITS)
            e = e * 10 + (t.data[i] - '0');
    d->shift += negative ? -e : e;
    d->digits[d->n] = 0;
    return charge(r, d->n + (size_t)labs(d->shift));
}

static void times_ten_to(fmpq_t q, long n)
{
    fmpz_t p;
    fmpz_init(p);
    fmpz_set_ui(p, 10);
    fmpz_pow_ui(p, p, (ulong)labs(n));
    if (n >= 0)
        fmpq_mul_fmpz(q, q, p);
    else
        fmpq_div_fmpz(q, q, p);
    fmpz_clear(p);
}

static bool read_decimal(math_reader *r, uint32_t i, fmpq_t q)
{
    decimal d;
    if (kind_at(r, i) != T_NUM || !split_decimal(r, math_tok_text(&r->lx, i), &d) || d.n == 0)
        return false;
    fmpz_one(fmpq_denref(q));
    if (fmpz_set_str(fmpq_numref(q), d.digits, 10) != 0)
        return false;
    if (d.shift)
        times_ten_to(q, d.shift);
    return true;
}

static bool is_integer_token(const math_reader *r, uint32_t i)
{
    assay_str t = math_tok_text(&r->lx, i);
    if (kind_at(r, i) != T_NUM)
        return false;
    for (size_t k = 0; k < t.len; k++)
        if (!pc_is_digit(t.data[k]))
            return false;
    return true;
}

/* r->depth bounds every recursion below. NOLINTBEGIN(misc-no-recursion) */
static bool read_number(math_reader *r, range g, fmpq_t q);

static bool divide(math_reader *r, range a, range b, fmpq_t q)
{
    fmpq_t den;
    fmpq_init(den);
    bool ok = read_number(r, a, q) && read_number(r, b, den) && !fmpq_is_zero(den);
    if (ok)
        fmpq_div(q, q, den);
    fmpq_clear(den);
    return ok;
}

/* Integer part followed by a proper fraction of plain integers: 2\frac12, 2 1/2. */
static bool read_mixed(math_reader *r, uint32_t whole, uint32_t num, uint32_t den, fmpq_t q)
{
    if (!is_integer_token(r, whole) || !is_integer_token(r, num) || !is_integer_token(r, den))
        return false;
    fmpq_t a;
    fmpq_init(a);
    bool ok = divide(r, (range){ num, num + 1 }, (range){ den, den + 1 }, a) &&
              fmpz_cmp(fmpq_numref(a), fmpq_denref(a)) < 0 && read_decimal(r, whole, q);
    if (ok)
        fmpq_add(q, q, a);
    fmpq_clear(a);
    return ok;
}

/* [lo, hi) is 10^{n}: the exponent. */
static bool read_ten_power(math_reader *r, range g, long *n)
{
    if (g.hi < g.lo + 3 || !pc_is(math_tok_text(&r->lx, g.lo), "10") ||
        kind_at(r, g.lo + 1) != T_SUP)
        return false;
    range e = strip_groups(r, (range){ g.lo + 2, g.hi });
    bool negative = e.hi > e.lo && kind_at(r, e.lo) == T_MINUS;
    e.lo += negative || (e.hi > e.lo && kind_at(r, e.lo) == T_PLUS);
    e = strip_groups(r, e);
    if (e.hi != e.lo + 1 || !is_integer_token(r, e.lo))
        return false;
    assay_str t = math_tok_text(&r->lx, e.lo);
    *n = 0;
    for (size_t k = 0; k < t.len && *n <= MATH_DIGITS; k++)
        *n = *n * 10 + (t.data[k] - '0');
    if (!charge(r, (size_t)*n))
        return false;
    *n = negative ? -*n : *n;
    return true;
}

/* a \times 10^{n}, or 10^{n} alone. */
static bool read_scientific(math_reader *r, range g, fmpq_t q)
{
    long n;
    uint32_t times = find_outside(r, g, T_TIMES, T_TIMES);
    if (times == g.hi) {
        if (!read_ten_power(r, g, &n))
            return false;
        fmpq_one(q);
    } else if (!read_ten_power(r, (range){ times + 1, g.hi }, &n) ||
               !read_number(r, (range){ g.lo, times }, q)) {
        return false;
    }
    times_ten_to(q, n);
    return true;
}

/* FRAC {a} {b}, filling [lo, hi) exactly. */
static bool split_frac(const math_reader *r, range g, range *a, range *b)
{
    if (g.hi < g.lo + 7 || kind_at(r, g.lo) != T_FRAC || kind_at(r, g.lo + 1) != T_OPEN)
        return false;
    uint32_t mid = group_end(r, g.lo + 1, g.hi);
    if (mid >= g.hi || kind_at(r, mid) != T_OPEN || group_end(r, mid, g.hi) != g.hi)
        return false;
    *a = (range){ g.lo + 2, mid - 1 };
    *b = (range){ mid + 1, g.hi - 1 };
    return true;
}

static bool read_unsigned(math_reader *r, range g, fmpq_t q)
{
    range a, b;
    if (g.hi == g.lo + 1)
        return read_decimal(r, g.lo, q);
    if (split_frac(r, g, &a, &b))
        return divide(r, a, b, q);
    if (kind_at(r, g.lo) == T_NUM && split_frac(r, (range){ g.lo + 1, g.hi }, &a, &b))
        return a.hi == a.lo + 1 && b.hi == b.lo + 1 && read_mixed(r, g.lo, a.lo, b.lo, q);
    if (kind_at(r, g.lo) == T_PAREN_OPEN && kind_at(r, g.hi - 1) == T_PAREN_CLOSE &&
        group_end(r, g.lo, g.hi) == g.hi)
        return read_number(r, (range){ g.lo + 1, g.hi - 1 }, q);
    uint32_t slash = find_outside(r, g, T_SLASH, T_SLASH);
    if (slash == g.hi)
        return read_scientific(r, g, q);
    if (slash == g.lo + 2 && g.hi == slash + 2 && r->lx.tokens[g.lo + 1].spaced)
        return read_mixed(r, g.lo, g.lo + 1, slash + 1, q);
    b = (range){ slash + 1, g.hi };
    if (find_outside(r, b, T_SLASH, T_SLASH) < b.hi) /* a/b/c */
        return false;
    return divide(r, (range){ g.lo, slash }, b, q);
}

static bool read_number(math_reader *r, range g, fmpq_t q)
{
    if (r->depth >= MAX_NEST)
        return false;
    r->depth++;
    g = strip_groups(r, g);
    bool negative = g.hi > g.lo && kind_at(r, g.lo) == T_MINUS;
    g.lo += g.hi > g.lo && (negative || kind_at(r, g.lo) == T_PLUS);
    g = strip_groups(r, g);
    bool ok = g.hi > g.lo && kind_at(r, g.lo) != T_MINUS && kind_at(r, g.lo) != T_PLUS &&
              read_unsigned(r, g, q);
    if (ok && negative)
        fmpq_neg(q, q);
    r->depth--;
    return ok;
}

static void write_rational(const fmpq_t q, pc_buf *out)
{
    pc_buf_text(out, "q:");
    if (!COEFF_IS_MPZ(*fmpq_numref(q)) && !COEFF_IS_MPZ(*fmpq_denref(q))) {
        if (fmpz_is_one(fmpq_denref(q)))
            pc_buf_fmt(out, "%ld", (long)*fmpq_numref(q));
        else
            pc_buf_fmt(out, "%ld/%ld", (long)*fmpq_numref(q), (long)*fmpq_denref(q));
        return;
    }
    char *text = fmpq_get_str(NULL, 10, q);
    pc_buf_text(out, text);
    flint_free(text);
}

/* A number with what may stand around it: currency before, a unit, % or a degree sign after. */
static bool read_scalar(math_reader *r, range g, pc_buf *out)
{
    g = strip_groups(r, g);
    range core = g;
    bool negative = false;
    pc_buf unit = { 0 };
    if (core.hi > core.lo + 1 && kind_at(r, core.lo) == T_MINUS &&
        kind_at(r, core.lo + 1) == T_MONEY) {
        negative = true;
        core.lo++;
    }
    if (core.hi > core.lo && kind_at(r, core.lo) == T_MONEY) {
        assay_str sign = math_tok_text(&r->lx, core.lo++);
        pc_buf_add(&unit, sign.data, sign.len);
    }
    pc_buf after = { 0 };
    core.hi = math_unit_start(&r->lx, core.lo, core.hi, &after);
    if (!unit.len)
        pc_buf_add(&unit, after.data, after.len); /* "$5 dollars": the sign is enough */
    fmpq_t q;
    fmpq_init(q);
    bool ok = core.hi > core.lo && read_number(r, core, q);
    if (ok) {
        if (negative)
            fmpq_neg(q, q);
        write_rational(q, out);
        if (unit.len) {
            pc_buf_byte(out, '|');
            pc_buf_add(out, unit.data, unit.len);
        }
    }
    fmpq_clear(q);
    pc_buf_fini(&unit);
    pc_buf_fini(&after);
    return ok;
}

/* ---- text ---- */

static bool keeps_case(assay_str w)
{
    static const char *const spoken[] = { "yes", "no", "true", "false", "none", "even", "odd" };
    for (size_t k = 0; k < sizeof spoken / sizeof *spoken; k++)
        if (pc_is_nocase(w, spoken[k]))
            return false;
    for (size_t i = 0; i < w.len; i++)
        if (w.data[i] >= 'a')
            return false;
    return true; /* ABC is a name of points or letters, not a shout */
}

static bool all_words(const math_reader *r, range g)
{
    for (uint32_t i = g.lo; i < g.hi; i++)
        if (kind_at(r, i) != T_WORD)
            return false;
    return g.hi > g.lo;
}

static void write_text(math_reader *r, range g, pc_buf *out)
{
    pc_buf_text(out, "x:");
    if (!all_words(r, g)) {
        math_lex_text(&r->lx, g.lo, g.hi, out);
        return;
    }
    assay_str first = math_tok_text(&r->lx, g.lo);
    if (g.hi > g.lo + 1 &&
        (pc_is_nocase(first, "the") || pc_is_nocase(first, "an") || pc_is_nocase(first, "a")))
        g.lo++;
    for (uint32_t i = g.lo; i < g.hi; i++) {
        assay_str w = math_tok_text(&r->lx, i);
        if (i > g.lo)
            pc_buf_byte(out, ' ');
        bool keep = keeps_case(w);
        for (size_t k = 0; k < w.len; k++)
            pc_buf_byte(out, keep ? w.data[k] : pc_lower(w.data[k])); /* NOLINT */
    }
}

static bool is_constant_word(assay_str w)
{
    static const char *const list[] = {
        "e",        "i",        "pi",       "sqrt",  "sin",        "cos",     "tan",     "log",
        "ln",       "exp",      "\\pi",     "\\sin", "\\cos",      "\\tan",   "\\log",   "\\ln",
        "\\exp",    "\\binom",  "\\pm",     "\\mp",  "\\overline", "\\infty", "\\ldots", "\\dots",
        "\\arctan", "\\arcsin", "\\arccos", "\\cot", "\\sec",      "\\csc",   NULL
    };
    for (const char *const *p = list; *p; p++)
        if (pc_is(w, *p))
            return true;
    return false;
}

/* A closed expression of numbers, roots, powers, functions: a later version will know its value. */
static bool is_constant(const math_reader *r, range g)
{
    bool numbers = false, operators = false;
    for (uint32_t i = g.lo; i < g.hi; i++) {
        uint8_t k = kind_at(r, i);
        assay_str t = math_tok_text(&r->lx, i);
        bool named = k == T_WORD || k == T_CMD;
        if (named ? !is_constant_word(t)
                  : k == T_EQUAL || k == T_MONEY || k == T_COMMA || k == T_SEMI)
            return false;
        if (k == T_OTHER && !pc_is(t, "!") && !pc_is(t, "|") && !pc_is(t, "."))
            return false;
        numbers |= k == T_NUM || (named && !pc_is(t, "i"));
        operators |= named || k == T_SQRT || k == T_SUP || k == T_PLUS || k == T_MINUS ||
                     k == T_TIMES || k == T_OTHER || k == T_SLASH || k == T_FRAC || k == T_SUB;
    }
    return numbers && operators;
}

static bool is_prose(const math_reader *r, range g)
{
    for (uint32_t i = g.lo; i < g.hi; i++) {
        assay_str t = math_tok_text(&r->lx, i);
        if (kind_at(r, i) == T_WORD && t.len > 1 && !is_constant_word(t) && !pc_is(t, "and") &&
            !pc_is(t, "or") && !(t.len > 5 && pc_is(pc_from(t, t.len - 6), "matrix")))
            return true;
    }
    return false;
}

/* ---- sets, tuples, intervals ---- */

typedef struct piece {
    size_t at, len; /* in reader.pieces */
} piece;
typedef struct pieces {
    piece *list;
    uint32_t n;
    bool decided, failed, broken; /* broken: an empty element */
} pieces;

static bool read_item(math_reader *r, range g, pc_buf *out, bool *decided);

static bool is_joining_word(const math_reader *r, uint32_t i)
{
    assay_str t = math_tok_text(&r->lx, i);
    return kind_at(r, i) == T_WORD && (pc_is(t, "and") || pc_is(t, "or"));
}

/* The next separator outside brackets at or after lo. */
static uint32_t next_separator(const math_reader *r, range g, bool words)
{
    uint32_t depth = 0;
    for (uint32_t i = g.lo; i < g.hi; i++) {
        uint8_t k = kind_at(r, i);
        if (depth == 0 && (k == T_COMMA || k == T_SEMI || (words && is_joining_word(r, i))))
            return i;
        depth += opens(k);
        depth -= closes(k) && depth > 0;
    }
    return g.hi;
}

static void add_piece(math_reader *r, range g, pieces *p)
{
    bool decided = true;
    piece one = { .at = r->pieces.len };
    pc_buf key = { 0 };
    if (!read_item(r, g, &key, &decided) || key.failed)
        p->failed = true;
    pc_buf_add(&r->pieces, key.data ? key.data : "", key.len);
    one.len = key.len;
    pc_buf_fini(&key);
    p->decided = p->decided && decided;
    p->list[p->n++] = one;
}

/* Reads the elements of [lo, hi). */
static void read_pieces(math_reader *r, range g, bool words, pieces *p)
{
    *p = (pieces){ .decided = true };
    uint32_t most = 1;
    for (range rest = g; (rest.lo = next_separator(r, rest, words)) < g.hi; rest.lo++)
        most++;
    p->list = pc_calloc(most, sizeof *p->list);
    p->broken = most > MAX_PARTS;
    p->failed = !p->list;
    bool after_comma = false;
    for (range rest = g; !p->failed && !p->broken && rest.lo <= g.hi;) {
        uint32_t end = next_separator(r, rest, words);
        bool empty = end == rest.lo;
        /* ", and" separates once */
        /* (1,000) may be a thousand in brackets */
        bool unclear = !empty && rest.lo > g.lo && kind_at(r, rest.lo) == T_NUM &&
                       !r->lx.tokens[rest.lo].spaced && r->lx.tokens[rest.lo].len == 3 &&
                       math_tok_text(&r->lx, rest.lo).data[0] == '0';
        bool doubled = empty && after_comma && end < g.hi && kind_at(r, end) == T_WORD;
        p->broken = p->broken || unclear;
        if (!empty)
            add_piece(r, (range){ rest.lo, end }, p);
        else if (!doubled && g.hi > g.lo)
            p->broken = true;
        after_comma = end < g.hi && kind_at(r, end) == T_COMMA;
        if (end == g.hi)
            break;
        rest.lo = end + 1;
    }
}

static assay_str piece_text(const math_reader *r, piece p)
{
    return (assay_str){ r->pieces.data + p.at, p.len };
}

static int by_key(const void *a, const void *b, void *reader)
{
    const math_reader *r = reader;
    return pc_cmp(piece_text(r, *(const piece *)a), piece_text(r, *(const piece *)b));
}

/* Length of "x=" at the head of a key; 0: it has no name. */
static size_t name_length(assay_str key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] == '=')
            return i + 1;
        if (!pc_is_alpha(key.data[i]) && !pc_is_digit(key.data[i]) && key.data[i] != '_')
            return 0;
    }
    return 0;
}

/* "x = 1 or x = 2": one name for all goes before the set; names that differ leave it undecided. */
static size_t common_name(const math_reader *r, pieces *p)
{
    size_t first = name_length(piece_text(r, p->list[0]));
    bool same = true;
    for (uint32_t i = 0; i < p->n; i++) {
        assay_str key = piece_text(r, p->list[i]);
        size_t n = name_length(key);
        if (n != first || memcmp(key.data, r->pieces.data + p->list[0].at, n) != 0)
            same = false;
        p->decided = p->decided && (n == 0 || same);
    }
    p->decided = p->decided && (same || first == 0);
    return same ? first : 0;
}

static void write_pieces(math_reader *r, pieces *p, const char *head, const char *tail, size_t name,
                         pc_buf *out)
{
    bool is_set = head[0] == 's';
    if (is_set)
        qsort_r(p->list, p->n, sizeof *p->list, by_key, r);
    if (name)
        pc_buf_add(out, r->pieces.data + p->list[0].at, name);
    pc_buf_text(out, head);
    for (uint32_t i = 0; i < p->n; i++) {
        assay_str key = pc_from(piece_text(r, p->list[i]), name);
        if (is_set && i > 0 && pc_eq(key, pc_from(piece_text(r, p->list[i - 1]), name)))
            continue;
        if (i > 0)
            pc_buf_byte(out, ',');
        pc_buf_add(out, key.data, key.len);
    }
    pc_buf_text(out, tail);
}

typedef enum read_result { READ_NO, READ_YES, READ_NO_MEMORY } read_result;

static read_result read_elements(math_reader *r, range g, bool words, const char *head,
                                 const char *tail, uint32_t least, pc_buf *out, bool *decided)
{
    pieces p;
    size_t mark = r->pieces.len;
    read_pieces(r, g, words, &p);
    read_result result = p.failed || r->pieces.failed ? READ_NO_MEMORY : READ_NO;
    if (result == READ_NO && !p.broken && p.n >= least) {
        size_t name = words && p.n ? common_name(r, &p) : 0;
        write_pieces(r, &p, head, tail, name, out);
        *decided = p.decided;
        result = READ_YES;
    }
    pc_free(p.list);
    r->pieces.len = mark;
    return result;
}

/* A bracketed group that fills [lo, hi). */
static read_result read_group(math_reader *r, range g, pc_buf *out, bool *decided)
{
    uint8_t open = kind_at(r, g.lo), close = kind_at(r, g.hi - 1);
    range in = { g.lo + 1, g.hi - 1 };
    if (open == T_SET_OPEN)
        return close == T_SET_CLOSE ? read_elements(r, in, true, "s:{", "}", 0, out, decided)
                                    : READ_NO;
    bool round_in = open == T_PAREN_OPEN, round_out = close == T_PAREN_CLOSE;
    if ((!round_in && open != T_SQUARE_OPEN) || (!round_out && close != T_SQUARE_CLOSE))
        return READ_NO;
    if (round_in && round_out && next_separator(r, in, false) == in.hi) /* (5) */
        return in.hi > in.lo && !read_item(r, in, out, decided) ? READ_NO_MEMORY
               : in.hi > in.lo                                  ? READ_YES
                                                                : READ_NO;
    if (round_in && round_out)
        return read_elements(r, in, false, "t:(", ")", 2, out, decided);
    return read_elements(r, in, false, round_in ? "i:(" : "i:[", round_out ? ")" : "]", 2, out,
                         decided);
}

static bool read_special(const math_reader *r, range g, pc_buf *out)
{
    bool negative = kind_at(r, g.lo) == T_MINUS;
    g.lo += negative || kind_at(r, g.lo) == T_PLUS;
    if (g.hi != g.lo + 1 || kind_at(r, g.lo) != T_CMD)
        return false;
    assay_str t = math_tok_text(&r->lx, g.lo);
    if (pc_is(t, "\\infty"))
        pc_buf_text(out, negative ? "-inf" : "inf");
    else if (!negative && (pc_is(t, "\\emptyset") || pc_is(t, "\\varnothing")))
        pc_buf_text(out, "s:{}");
    else
        return false;
    return true;
}

/* "x =" or "x_1 =" before exactly one value: the index of the value; lo: there is no name. */
static uint32_t after_name(const math_reader *r, range g)
{
    uint32_t i = g.lo;
    if (g.hi < g.lo + 3 || kind_at(r, i) != T_WORD || r->lx.tokens[i].len != 1)
        return g.lo;
    i++;
    if (kind_at(r, i) == T_SUB && i + 4 < g.hi && kind_at(r, i + 1) == T_OPEN &&
        kind_at(r, i + 3) == T_CLOSE && (kind_at(r, i + 2) == T_NUM || kind_at(r, i + 2) == T_WORD))
        i += 4;
    if (i + 1 >= g.hi || kind_at(r, i) != T_EQUAL)
        return g.lo;
    return find_outside(r, (range){ i + 1, g.hi }, T_EQUAL, T_EQUAL) == g.hi ? i + 1 : g.lo;
}

static void write_name(const math_reader *r, uint32_t lo, uint32_t value, pc_buf *out)
{
    for (uint32_t i = lo; i + 1 < value; i++) {
        if (kind_at(r, i) == T_OPEN || kind_at(r, i) == T_CLOSE)
            continue;
        assay_str t = math_tok_text(&r->lx, i);
        pc_buf_add(out, t.data, t.len);
    }
    pc_buf_byte(out, '=');
}

/* One element: never refuses, text is the last resort. False: out of memory. */
static bool read_item(math_reader *r, range g, pc_buf *out, bool *decided)
{
    if (r->depth >= MAX_NEST) {
        *decided = false;
        write_text(r, g, out);
        return true;
    }
    r->depth++;
    g = strip_groups(r, g);
    uint32_t value = after_name(r, g);
    if (value > g.lo) {
        write_name(r, g.lo, value, out);
        g = strip_groups(r, (range){ value, g.hi });
    }
    read_result result = READ_NO;
    if (g.hi > g.lo && read_scalar(r, g, out))
        result = READ_YES;
    if (result == READ_NO && g.hi > g.lo + 1 && opens(kind_at(r, g.lo)) &&
        group_end(r, g.lo, g.hi) == g.hi)
        result = read_group(r, g, out, decided);
    if (result == READ_NO && g.hi > g.lo && read_special(r, g, out))
        result = READ_YES;
    if (result == READ_NO) {
        *decided = false;
        write_text(r, g, out);
    }
    r->depth--;
    return result != READ_NO_MEMORY && !out->failed;
}

/* NOLINTEND(misc-no-recursion) */

/* ---- the whole ---- */

static bool read_raw(math_reader *r, assay_str text, math_form *out)
{
    out->kind = "text";
    out->why = r->lx.why;
    pc_buf_text(&out->key, "x:");
    pc_buf_add(&out->key, text.data, text.len);
    return !out->key.failed;
}

static const char *kind_of(assay_str key)
{
    assay_str body = pc_from(key, name_length(key));
    if (pc_starts(body, "q:") || pc_is(body, "inf") || pc_is(body, "-inf"))
        return "rational";
    if (pc_starts(body, "t:"))
        return "tuple";
    if (pc_starts(body, "i:"))
        return "interval";
    return pc_starts(body, "s:") ? "set" : "text";
}

/* Past "the (final) answer is". */
static uint32_t after_announcement(const math_reader *r)
{
    uint32_t i = 0;
    while (i < r->lx.n && kind_at(r, i) == T_WORD && i < 3 &&
           !pc_is_nocase(math_tok_text(&r->lx, i), "answer"))
        i++;
    if (i + 2 >= r->lx.n || kind_at(r, i) != T_WORD ||
        !pc_is_nocase(math_tok_text(&r->lx, i), "answer") ||
        !pc_is(math_tok_text(&r->lx, i + 1), "is"))
        return 0;
    return i + 2;
}

bool math_read(math_reader *r, assay_str text, math_form *out)
{
    pc_buf_clear(&out->key);
    pc_buf_clear(&r->pieces);
    *out = (math_form){ .key = out->key };
    r->budget = MATH_BUDGET;
    r->depth = 0;
    r->why = NULL;
    if (!math_lex(&r->lx, text))
        return read_raw(r, text, out);
    range g = strip_groups(r, (range){ after_announcement(r), r->lx.n });
    bool ok = true;
    out->decided = true;
    read_result result = READ_NO;
    if (next_separator(r, g, true) < g.hi) /* a bare list */
        result = read_elements(r, g, true, "s:{", "}", 2, &out->key, &out->decided);
    if (result == READ_NO)
        ok = read_item(r, g, &out->key, &out->decided);
    ok = ok && result != READ_NO_MEMORY && !out->key.failed && out->key.data;
    if (!ok)
        return false;
    out->kind = kind_of(pc_buf_str(&out->key));
    out->is_word = !out->decided && g.hi == g.lo + 1 && kind_at(r, g.lo) == T_WORD;
    out->is_prose = !out->decided && is_prose(r, g);
    out->is_constant = !out->decided && is_constant(r, g);
    out->why = out->decided ? NULL : r->why;
    return true;
}

void math_reader_fini(math_reader *r)
{
    math_lex_fini(&r->lx);
    pc_buf_fini(&r->pieces);
}

/* ---- comparison of keys ---- */

static assay_str take_name(assay_str *key)
{
    size_t n = name_length(*key);
    assay_str name = pc_slice(*key, 0, n);
    *key = pc_from(*key, n);
    return name;
}

static assay_str take_unit(assay_str *key)
{
    const char *bar = key->len ? memrchr(key->data, '|', key->len) : NULL;
    if (!bar)
        return (assay_str){ "", 0 };
    size_t at = (size_t)(bar - key->data);
    assay_str unit = pc_from(*key, at + 1);
    *key = pc_slice(*key, 0, at);
    return unit;
}

static bool parse_rational(fmpq_t q, assay_str key)
{
    pc_buf text = { 0 };
    pc_buf_add(&text, key.data + 2, key.len - 2);
    bool ok = !text.failed && fmpq_set_str(q, text.data, 10) == 0;
    pc_buf_fini(&text);
    return ok;
}

/* 50% is 1/2. */
static bool is_hundredfold(assay_str percent, assay_str plain)
{
    fmpq_t a, b;
    fmpq_init(a);
    fmpq_init(b);
    bool same = parse_rational(a, percent) && parse_rational(b, plain);
    if (same) {
        times_ten_to(b, 2);
        same = fmpq_equal(a, b) != 0;
    }
    fmpq_clear(a);
    fmpq_clear(b);
    return same;
}

math_verdict math_compare(assay_str a, assay_str b)
{
    if (pc_eq(a, b))
        return MATH_SAME;
    assay_str name_a = take_name(&a), name_b = take_name(&b);
    if (name_a.len && name_b.len && !pc_eq(name_a, name_b))
        return MATH_DIFFERENT;
    if (pc_eq(a, b))
        return MATH_SAME;
    if (!pc_starts(a, "q:") || !pc_starts(b, "q:"))
        return MATH_DIFFERENT;
    assay_str unit_a = take_unit(&a), unit_b = take_unit(&b);
    if (unit_a.len && unit_b.len && !pc_eq(unit_a, unit_b))
        return math_unit_is_known(unit_a) && math_unit_is_known(unit_b) ? MATH_DIFFERENT
                                                                        : MATH_UNITS;
    if (pc_eq(a, b))
        return MATH_SAME;
    if (pc_is(unit_a, "%") && !unit_b.len)
        return is_hundredfold(a, b) ? MATH_SAME : MATH_DIFFERENT;
    if (pc_is(unit_b, "%") && !unit_a.len)
        return is_hundredfold(b, a) ? MATH_SAME : MATH_DIFFERENT;
    return MATH_DIFFERENT;
}
