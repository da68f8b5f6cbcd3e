/* gold.c -- the shapes: read once more as text, compared part by part.
 * SPDX-License-Identifier: Apache-2.0 */
#include "audit/gold.h"

#include <string.h>
#include <strings.h>

#include "audit/split.h"

enum { LONGEST = 600 };

/* ---- small texts ---- */

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The inside of \NAME{..} where that is the whole text. */
static bool unwrap(as_str *s)
{
    static const char *const names[] = { "\\text{",   "\\textbf{",     "\\mbox{",  "\\mathrm{",
                                         "\\mathbf{", "\\textnormal{", "\\mathit{" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (!as_str_starts(*s, names[i]) || !as_str_ends(*s, "}"))
            continue;
        as_str inside = { s->data + n, s->len - n - 1 };
        if (memchr(inside.data, '{', inside.len) || memchr(inside.data, '}', inside.len))
            return false;
        *s = as_str_trim(inside);
        return true;
    }
    return false;
}

static bool read_choice(as_gold *g, as_str s)
{
    (void)unwrap(&s);
    if (s.len == 3 && s.data[0] == '(' && s.data[2] == ')')
        s = (as_str){ s.data + 1, 1 };
    if (s.len != 1 || s.data[0] < 'A' || s.data[0] > 'J')
        return false;
    g->shape = AS_SHAPE_CHOICE;
    g->letter = s.data[0];
    return true;
}

/* "Eight pieces of pie" is the number eight: a letter changed in what it counts is contested, not
 * wrong. */
static bool begins_with_number(as_str s)
{
    static const char *const numbers[] = { "zero",  "one",    "two",    "three",   "four",
                                           "five",  "six",    "seven",  "eight",   "nine",
                                           "ten",   "eleven", "twelve", "twenty",  "thirty",
                                           "forty", "fifty",  "half",   "hundred", "dozen",
                                           "once",  "twice" };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        size_t n = strlen(numbers[i]);
        if (s.len >= n && strncasecmp(s.data, numbers[i], n) == 0)
            return true;
    }
    return false;
}

/* Words: in \text{}, or bare and long enough to be no product of unknowns. */
static bool read_words(as_gold *g, as_str s, as_arena *arena)
{
    enum { LEAST = 4, MOST = 40 };
    bool is_text = unwrap(&s);
    if (s.len > 1 && s.data[s.len - 1] == '.')
        s.len--;
    if (s.len < (is_text ? 2 : LEAST) || s.len > MOST || begins_with_number(s))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_alpha(s.data[i]) && (s.data[i] != ' ' || i == 0 || s.data[i - 1] == ' '))
            return false;
    g->shape = AS_SHAPE_WORDS;
    g->text = as_arena_str(arena, s);
    return g->text.data != NULL;
}

static bool read_base(as_gold *g, as_str s, as_arena *arena)
{
    size_t n = 0;
    unsigned long long base = 0;
    while (n < s.len && s.data[n] >= '0' && s.data[n] <= '9')
        n++;
    if (n < 1 || n > 15 || n + 1 >= s.len || s.data[n] != '_' || (n > 1 && s.data[0] == '0'))
        return false;
    as_str tail = { s.data + n + 1, s.len - n - 1 };
    if (tail.len > 2 && tail.data[0] == '{' && tail.data[tail.len - 1] == '}')
        tail = (as_str){ tail.data + 1, tail.len - 2 };
    else if (tail.len != 1)
        return false;
    if (!as_str_u64(tail, &base) || base < 2 || base > 16)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned)(s.data[i] - '0') >= base)
            return false;
    g->shape = AS_SHAPE_BASE;
    g->base = (int)base;
    g->text = as_arena_str(arena, (as_str){ s.data, n });
    return g->text.data != NULL;
}

/* ---- numbers ---- */

static bool read_value(as_gold *g, as_str s)
{
    as_expr e;
    if (!as_expr_read(&e, s))
        return false;
    g->shape = AS_SHAPE_NUMBER;
    g->val = e.val;
    g->is_decimal = e.is_decimal;
    g->places = e.is_scientific ? 0 : e.places;
    g->is_rough = e.is_scientific || (e.is_decimal && !as_val_is_rat(&e.val));
    g->may_be_list = e.is_plain_comma;
    return true;
}

/* Words that multiply, and such that are no unit at all. */
static bool is_unit_word(as_str s)
{
    static const char *const not_units[] = { "million",  "billion",  "thousand", "hundred",
                                             "dozen",    "trillion", "or",       "and",
                                             "pi",       "i",        "units",    "squared",
                                             "base",     "mod",      "millions", "billions",
                                             "thousands" };
    if (s.len < 1 || s.len > 24)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_alpha(s.data[i]) && s.data[i] != ' ')
            return false;
    for (size_t i = 0; i < sizeof not_units / sizeof *not_units; i++)
        if (as_str_is(s, not_units[i]))
            return false;
    return true;
}

static bool read_unit_word(as_gold *g, as_str s, as_arena *arena, as_str *number)
{
    size_t at = s.len;
    while (at > 0 && s.data[at - 1] != '\\')
        at--;
    if (at < 2)
        return false;
    as_str word = { s.data + at - 1, s.len - at + 1 };
    *number = as_str_trim((as_str){ s.data, at - 1 });
    if (!unwrap(&word))
        return false;
    if (word.len > 1 && word.data[word.len - 1] == '.')
        word.len--;
    if (!is_unit_word(word))
        return false;
    bool is_degree = as_str_is(word, "degrees") || as_str_is(word, "degree");
    bool is_percent = as_str_is(word, "percent");
    g->unit = is_degree ? AS_UNIT_DEGREE : is_percent ? AS_UNIT_PERCENT : AS_UNIT_WORD;
    g->text = as_arena_str(arena, word);
    return g->text.data != NULL;
}

static bool cut_suffix(as_str *s, const char *suffix)
{
    if (!as_str_ends(*s, suffix))
        return false;
    s->len -= strlen(suffix);
    *s = as_str_trim(*s);
    return true;
}

static bool read_number(as_gold *g, as_str s, as_arena *arena)
{
    if (read_value(g, s))
        return true;
    as_str number = s;
    bool is_negative = as_str_starts(s, "-\\$");
    if (is_negative || as_str_starts(s, "\\$")) {
        size_t n = is_negative ? 3 : 2;
        number = as_str_trim((as_str){ s.data + n, s.len - n });
        g->unit = AS_UNIT_DOLLAR;
    } else if (cut_suffix(&number, "\\%") || cut_suffix(&number, "%")) {
        g->unit = AS_UNIT_PERCENT;
    } else if (cut_suffix(&number, "^\\circ") || cut_suffix(&number, "^{\\circ}")) {
        g->unit = AS_UNIT_DEGREE;
    } else if (!read_unit_word(g, s, arena, &number)) {
        return false;
    }
    if (number.len == 0 || !read_value(g, number))
        return false;
    if (is_negative)
        g->val = as_val_neg(&g->val);
    return g->val.gen != AS_GEN_LETTER && g->val.gen != AS_GEN_I;
}

static bool read_end(as_gold *g, as_str s)
{
    static const char *const plus[] = { "\\infty", "+\\infty", "+ \\infty", "oo", "infinity" };
    s = as_str_trim(s);
    bool is_minus = s.len > 1 && s.data[0] == '-';
    as_str rest = is_minus ? as_str_trim((as_str){ s.data + 1, s.len - 1 }) : s;
    for (size_t i = 0; i < sizeof plus / sizeof *plus; i++) {
        if (!as_str_is(rest, plus[i]))
            continue;
        g->shape = AS_SHAPE_NUMBER;
        g->is_infinite = true;
        g->val = as_val_int(is_minus ? -1 : 1);
        return true;
    }
    return read_value(g, s) && g->val.gen != AS_GEN_I && !g->is_rough && !g->may_be_list;
}

/* ---- what has parts ---- */

static bool make_kids(as_gold *g, unsigned n, as_arena *arena)
{
    g->n = n;
    g->kids = as_arena_calloc(arena, n ? n : 1, sizeof *g->kids);
    return g->kids && n <= AS_GOLD_KIDS;
}

static int end_cmp(const as_gold *a, const as_gold *b)
{
    if (a->is_infinite || b->is_infinite)
        return (int)(a->is_infinite ? a->val.c[0].p : 0) -
               (int)(b->is_infinite ? b->val.c[0].p : 0);
    if (as_val_eq(&a->val, &b->val))
        return 0;
    double x = as_val_double(&a->val), y = as_val_double(&b->val);
    return (x > y) - (x < y);
}

static bool is_real(const as_gold *end)
{
    return end->is_infinite || (end->val.gen != AS_GEN_LETTER && end->val.gen != AS_GEN_I);
}

bool as_gold_is_range(const as_gold *g)
{
    return is_real(&g->kids[0]) && is_real(&g->kids[1]) && end_cmp(&g->kids[0], &g->kids[1]) < 0 &&
           (!g->kids[0].is_infinite || g->is_open[0]) && (!g->kids[1].is_infinite || g->is_open[1]);
}

/* (..), [..], (..] and [..): a tuple where both are round and nothing is infinite, else an interval
 * or nothing. */
static bool read_bracketed(as_gold *g, as_str s, as_arena *arena)
{
    as_str part[AS_GOLD_KIDS];
    if (s.len < 5 || !strchr("([", s.data[0]) || !strchr(")]", s.data[s.len - 1]))
        return false;
    unsigned n = as_split(part, AS_GOLD_KIDS, (as_str){ s.data + 1, s.len - 2 }, ",");
    if (n < 2 || !make_kids(g, n, arena))
        return false;
    bool is_infinite = false;
    for (unsigned i = 0; i < n; i++) {
        if (!read_end(&g->kids[i], part[i]) && !read_value(&g->kids[i], part[i]))
            return false;
        if (g->kids[i].may_be_list)
            return false;
        is_infinite = is_infinite || g->kids[i].is_infinite;
    }
    g->is_open[0] = s.data[0] == '(';
    g->is_open[1] = s.data[s.len - 1] == ')';
    bool is_round = g->is_open[0] && g->is_open[1];
    g->shape = is_round && !is_infinite ? AS_SHAPE_TUPLE : AS_SHAPE_INTERVAL;
    return g->shape == AS_SHAPE_TUPLE || (n == 2 && as_gold_is_range(g));
}

/* Ascending, and a point at least between two neighbours: then moving or flipping one end changes
 * the set. */
static bool is_apart(const as_gold *g)
{
    for (unsigned i = 0; i + 1 < g->n; i++) {
        const as_gold *a = &g->kids[i], *b = &g->kids[i + 1];
        int order = end_cmp(&a->kids[1], &b->kids[0]);
        if (order > 0 || (order == 0 && !(a->is_open[1] && b->is_open[0])))
            return false;
    }
    return true;
}

static bool read_union(as_gold *g, as_str s, as_arena *arena)
{
    as_str part[AS_GOLD_KIDS];
    unsigned n = as_split(part, AS_GOLD_KIDS, s, "\\cup");
    if (n < 2 || !make_kids(g, n, arena))
        return false;
    for (unsigned i = 0; i < n; i++) {
        as_gold *kid = &g->kids[i];
        if (!read_bracketed(kid, part[i], arena) || kid->n != 2)
            return false;
        kid->shape = AS_SHAPE_INTERVAL; /* (1, 2) too */
        if (!as_gold_is_range(kid))
            return false;
    }
    g->shape = AS_SHAPE_UNION;
    return is_apart(g);
}

/* "4,600, 3": nobody knows. */
static bool has_doubtful_comma(as_str s)
{
    for (size_t i = 0; i + 3 < s.len; i++) {
        unsigned digits = 0;
        while (s.data[i] == ',' && i + 1 + digits < s.len && s.data[i + 1 + digits] >= '0' &&
               s.data[i + 1 + digits] <= '9')
            digits++;
        if (digits == 3)
            return true;
    }
    return memmem(s.data, s.len, "\\!", 2) != NULL;
}

static bool read_list(as_gold *g, as_str s, as_arena *arena)
{
    as_str part[AS_GOLD_KIDS];
    g->is_braced = as_str_starts(s, "\\{") && as_str_ends(s, "\\}") && s.len > 4;
    if (g->is_braced)
        s = (as_str){ s.data + 2, s.len - 4 };
    unsigned n = as_split(part, AS_GOLD_KIDS, s, ",");
    if (n < (g->is_braced ? 1 : 2) || has_doubtful_comma(s) || !make_kids(g, n, arena))
        return false;
    for (unsigned i = 0; i < n; i++) {
        as_gold *kid = &g->kids[i];
        if (!read_value(kid, part[i]) &&
            !(read_bracketed(kid, part[i], arena) && kid->shape == AS_SHAPE_TUPLE))
            return false;
        if (kid->shape != g->kids[0].shape)
            return false;
    }
    g->shape = AS_SHAPE_LIST;
    return true;
}

static bool read_matrix(as_gold *g, as_str s, as_arena *arena)
{
    as_str row[AS_GOLD_KIDS], cell[AS_GOLD_KIDS];
    static const char *const kinds[] = { "pmatrix", "bmatrix" };
    for (int k = 0; k < 2; k++) {
        as_str begin = as_arena_fmt(arena, "\\begin{%s}", kinds[k]);
        as_str end = as_arena_fmt(arena, "\\end{%s}", kinds[k]);
        if (!begin.data || !end.data || !as_str_starts(s, begin.data) ||
            !as_str_ends(s, end.data) || s.len < begin.len + end.len + 1)
            continue;
        as_str inside = { s.data + begin.len, s.len - begin.len - end.len };
        g->rows = as_split(row, AS_GOLD_KIDS, inside, "\\\\");
        g->cols = g->rows ? as_split(cell, AS_GOLD_KIDS, row[0], "&") : 0;
        if (g->rows * g->cols < 2 || !make_kids(g, g->rows * g->cols, arena))
            return false;
        for (unsigned i = 0; i < g->n; i++) {
            if (i % g->cols == 0 && as_split(cell, AS_GOLD_KIDS, row[i / g->cols], "&") != g->cols)
                return false;
            if (!read_value(&g->kids[i], cell[i % g->cols]) || g->kids[i].may_be_list)
                return false;
        }
        g->shape = AS_SHAPE_MATRIX;
        return true;
    }
    return false;
}

/* ---- relations ---- */

static bool is_unknown(as_str s, char *letter)
{
    s = as_str_trim(s);
    if (s.len != 1 || !is_alpha(s.data[0]) || strchr("ied", s.data[0]))
        return false;
    *letter = s.data[0];
    return true;
}

static bool read_equation(as_gold *g, as_str s)
{
    as_str side[3];
    if (as_split(side, 3, s, "=") != 2 || !is_unknown(side[0], &g->letter) ||
        !read_value(g, side[1]) || g->may_be_list)
        return false;
    if (g->val.gen == AS_GEN_LETTER && g->val.letter == g->letter)
        return false;
    g->shape = g->val.gen == AS_GEN_LETTER ? AS_SHAPE_CURVE : AS_SHAPE_EQUATION;
    return true;
}

/* A sign of order. */
typedef struct relation {
    bool is_less, is_open;
    size_t at, len;
} relation;

/* The next relation sign from `from` on; len 0: none. */
static relation next_relation(as_str s, size_t from)
{
    static const struct {
        const char *word;
        bool is_less, is_open;
    } signs[] = { { "\\leqslant", true, false }, { "\\geqslant", false, false },
                  { "\\leq", true, false },      { "\\geq", false, false },
                  { "\\le", true, false },       { "\\ge", false, false },
                  { "\\lt", true, true },        { "\\gt", false, true },
                  { "<", true, true },           { ">", false, true } };
    for (size_t i = from; i < s.len; i++) {
        for (size_t k = 0; k < sizeof signs / sizeof *signs; k++) {
            size_t n = strlen(signs[k].word);
            bool is_command = signs[k].word[0] == '\\';
            if (s.len - i < n || memcmp(s.data + i, signs[k].word, n) != 0 ||
                (is_command && i + n < s.len && is_alpha(s.data[i + n])))
                continue;
            return (relation){ signs[k].is_less, signs[k].is_open, i, n };
        }
    }
    return (relation){ 0 };
}

static as_str between(as_str s, size_t from, size_t to)
{
    return as_str_trim((as_str){ s.data + from, to - from });
}

/* x > a, a > x, a < x <= b; ends in kids[0] < kids[1], infinite where nothing is said. */
static bool read_inequality(as_gold *g, as_str s, as_arena *arena)
{
    relation one = next_relation(s, 0);
    relation two = one.len ? next_relation(s, one.at + one.len) : (relation){ 0 };
    if (!one.len ||
        (two.len && (two.is_less != one.is_less || next_relation(s, two.at + two.len).len)) ||
        !make_kids(g, 2, arena))
        return false;
    as_str left = between(s, 0, one.at);
    as_str middle = between(s, one.at + one.len, two.len ? two.at : s.len);
    bool is_left = !two.len && is_unknown(left, &g->letter); /* x < a */
    for (int i = 0; i < 2; i++) {
        g->kids[i] = (as_gold){ .shape = AS_SHAPE_NUMBER,
                                .is_infinite = true,
                                .val = as_val_int(i ? 1 : -1) };
        g->is_open[i] = true;
    }
    if (!is_left && !is_unknown(middle, &g->letter))
        return false;
    int low = one.is_less ? 0 : 1; /* the side of the text left of the unknown */
    if (is_left)
        low = 1 - low;
    g->is_open[low] = one.is_open;
    as_gold first = { 0 }, second = { 0 };
    if (!read_value(&first, is_left ? middle : left))
        return false;
    g->kids[low] = first;
    if (two.len) {
        if (!read_value(&second, between(s, two.at + two.len, s.len)))
            return false;
        g->kids[1 - low] = second;
        g->is_open[1 - low] = two.is_open;
    }
    g->shape = AS_SHAPE_INEQUALITY;
    return as_gold_is_range(g) && !first.may_be_list && !second.may_be_list;
}

/* ---- all of it ---- */

static bool read_any(as_gold *g, as_str s, as_arena *arena, int which)
{
    switch (which) {
    case 0:
        return read_choice(g, s);
    case 1:
        return read_number(g, s, arena);
    case 2:
        return read_words(g, s, arena);
    case 3:
        return read_base(g, s, arena);
    case 4:
        return read_matrix(g, s, arena);
    case 5:
        return read_union(g, s, arena);
    case 6:
        return read_bracketed(g, s, arena);
    case 7:
        return read_list(g, s, arena);
    case 8:
        return read_equation(g, s);
    default:
        return read_inequality(g, s, arena);
    }
}

static as_str without_dollars(as_str s)
{
    s = as_str_trim(s);
    if (s.len > 2 && s.data[0] == '$' && s.data[s.len - 1] == '$' && s.data[s.len - 2] != '\\') {
        as_str inside = { s.data + 1, s.len - 2 };
        if (!memchr(inside.data, '$', inside.len))
            s = as_str_trim(inside);
    }
    return s;
}

int as_gold_read(as_gold *out, as_str answer, as_arena *arena, as_err *err)
{
    enum { TRIES = 10 };
    as_str source = without_dollars(answer);
    as_str s = as_split_plain(source, arena);
    source = as_arena_str(arena, source);
    if (!s.data || !source.data)
        return as_fail(err, AS_ENOMEM, "out of memory");
    *out = (as_gold){ .source = source };
    if (s.len == 0 || s.len > LONGEST)
        return 0;
    if (s.data[s.len - 1] == '.' && s.len > 1)
        s.len--;
    for (int i = 0; i < TRIES; i++) {
        as_gold g = { .source = source };
        if (read_any(&g, s, arena, i)) {
            *out = g;
            break;
        }
    }
    return 0;
}

/* Golds are at most three deep: a list of tuples, a union of intervals.
 * NOLINTBEGIN(misc-no-recursion) */
bool as_gold_copy(as_gold *out, const as_gold *from, as_arena *arena)
{
    *out = *from;
    if (!from->n)
        return true;
    out->kids = as_arena_calloc(arena, from->n + 1, sizeof *out->kids); /* one may be added */
    for (unsigned i = 0; out->kids && i < from->n; i++)
        if (!as_gold_copy(&out->kids[i], &from->kids[i], arena))
            return false;
    return out->kids != NULL;
}

/* ---- the same? ---- */

static bool is_member(const as_gold *kid, const as_gold *of)
{
    for (unsigned i = 0; i < of->n; i++)
        if (as_gold_same(kid, &of->kids[i]))
            return true;
    return false;
}

static bool same_sets(const as_gold *a, const as_gold *b)
{
    for (unsigned i = 0; i < a->n; i++)
        if (!is_member(&a->kids[i], b))
            return false;
    for (unsigned i = 0; i < b->n; i++)
        if (!is_member(&b->kids[i], a))
            return false;
    return true;
}

static bool same_kids(const as_gold *a, const as_gold *b)
{
    if (a->n != b->n || a->rows != b->rows || a->cols != b->cols)
        return false;
    for (unsigned i = 0; i < a->n; i++)
        if (!as_gold_same(&a->kids[i], &b->kids[i]))
            return false;
    return true;
}

static int64_t base_value(const as_gold *g)
{
    int64_t v = 0;
    for (size_t i = 0; i < g->text.len; i++)
        v = v * g->base + (g->text.data[i] - '0');
    return v;
}

static bool same_words(as_str a, as_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if ((a.data[i] | 32) != (b.data[i] | 32))
            return false;
    return true;
}

bool as_gold_same(const as_gold *a, const as_gold *b)
{
    if (a->shape != b->shape)
        return false;
    switch (a->shape) {
    case AS_SHAPE_NUMBER:
        return a->is_infinite == b->is_infinite && as_val_eq(&a->val, &b->val);
    case AS_SHAPE_CHOICE:
        return a->letter == b->letter;
    case AS_SHAPE_WORDS:
        return same_words(a->text, b->text);
    case AS_SHAPE_BASE:
        return base_value(a) == base_value(b);
    case AS_SHAPE_EQUATION:
    case AS_SHAPE_CURVE:
        return a->letter == b->letter && as_val_eq(&a->val, &b->val);
    case AS_SHAPE_INEQUALITY:
    case AS_SHAPE_INTERVAL:
        return a->letter == b->letter && a->is_open[0] == b->is_open[0] &&
               a->is_open[1] == b->is_open[1] && same_kids(a, b);
    case AS_SHAPE_UNION:
    case AS_SHAPE_TUPLE:
    case AS_SHAPE_MATRIX:
        return same_kids(a, b);
    case AS_SHAPE_LIST:
        return same_sets(a, b);
    case AS_SHAPE_OTHER:
    case AS_N_SHAPES:
    default:
        return true; /* cannot be told: never "different" */
    }
}

/* NOLINTEND(misc-no-recursion) */
static const char *number_word(const as_gold *g)
{
    static const char *const units[] = { "", "percent", "degree", "currency", "unit" };
    static const char *const gens[] = { "frac", "radical", "complex", "pi", "poly" };
    if (g->unit != AS_UNIT_NONE)
        return units[g->unit];
    if (!as_val_is_rat(&g->val))
        return gens[g->val.gen];
    return g->val.c[0].q == 1 ? "int" : g->is_decimal ? "decimal" : "frac";
}

const char *as_shape_word(const as_gold *g)
{
    static const char *const words[] = { "other",    "",      "choice",     "text",     "base",
                                         "equation", "curve", "inequality", "interval", "union",
                                         "tuple",    "list",  "matrix" };
    return g->shape == AS_SHAPE_NUMBER ? number_word(g) : words[g->shape];
}
