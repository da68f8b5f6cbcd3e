/* number.c -- see number.h. Recursive descent over token ranges: lists, sets, tuples, intervals of
 * numbers, and text as the last resort.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/first/number.h"

#include "math/first/rational.h"

#include <stdlib.h>

enum { MAX_PARTS = 4096 };

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
        "e",        "i",        "pi",         "sqrt",     "sin",      "cos",
        "tan",      "log",      "ln",         "exp",      "\\pi",     "\\sin",
        "\\cos",    "\\tan",    "\\log",      "\\ln",     "\\exp",    "\\binom",
        "\\pm",     "\\mp",     "\\overline", "\\infty",  "\\ldots",  "\\dots",
        "\\arctan", "\\arcsin", "\\arccos",   "\\cot",    "\\sec",    "\\csc",
        "\\max",    "\\min",    "\\gcd",      "\\lcm",    "\\mod",    "\\bmod",
        "\\choose", "\\vert",   "\\lvert",    "\\rvert",  "\\lfloor", "\\rfloor",
        "\\lceil",  "\\rceil",  "\\mid",      "\\approx", "gcd",      "lcm",
        "max",      "min",      "mod",        "floor",    "ceil",     "\\operatorname",
        NULL
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
    uint32_t inside = 0; /* brackets: the commas of \max(1, 2) part arguments */
    for (uint32_t i = g.lo; i < g.hi; i++) {
        uint8_t k = kind_at(r, i);
        inside += opens(k);
        inside -= closes(k) && inside > 0;
        assay_str t = math_tok_text(&r->lx, i);
        bool named = k == T_WORD || k == T_CMD;
        if (named ? !is_constant_word(t)
                  : k == T_EQUAL || k == T_MONEY || (!inside && (k == T_COMMA || k == T_SEMI)))
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

/* r->depth bounds every recursion below. NOLINTBEGIN(misc-no-recursion) */
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

/* "x = 1 or x = 2": one name for all goes before the set; names that differ leave it undecided. */
static size_t common_name(const math_reader *r, pieces *p)
{
    size_t first = math_name_length(piece_text(r, p->list[0]));
    bool same = true;
    for (uint32_t i = 0; i < p->n; i++) {
        assay_str key = piece_text(r, p->list[i]);
        size_t n = math_name_length(key);
        if (n != first || memcmp(key.data, r->pieces.data + p->list[0].at, n) != 0)
            same = false;
        p->decided = p->decided && (n == 0 || same);
    }
    p->decided = p->decided && (same || first == 0);
    return same ? first : 0;
}

static void write_pieces(math_reader *r, pieces *p, const char *head, const char *tail, size_t name,
                         bool bare, pc_buf *out)
{
    bool is_set = head[0] == 's';
    if (is_set)
        qsort_r(p->list, p->n, sizeof *p->list, by_key, r);
    if (bare && by_key(&p->list[0], &p->list[p->n - 1], r) == 0) { /* "1/2 or 0.5": one value */
        assay_str one = piece_text(r, p->list[0]);
        pc_buf_add(out, one.data, one.len);
        return;
    }
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
        write_pieces(r, &p, head, tail, name, words && least > 0, out);
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
    if (g.hi > g.lo && math_read_scalar(r, g, out))
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
    assay_str body = pc_from(key, math_name_length(key));
    if (pc_starts(body, "q:") || pc_is(body, "inf") || pc_is(body, "-inf"))
        return "rational";
    if (pc_starts(body, "t:"))
        return "tuple";
    if (pc_starts(body, "i:"))
        return "interval";
    return pc_starts(body, "s:") ? "set" : "text";
}

/* Past "the (final) answer is" and "Answer:". */
static uint32_t after_announcement(const math_reader *r)
{
    uint32_t i = 0;
    while (i < r->lx.n && kind_at(r, i) == T_WORD && i < 3 &&
           !pc_is_nocase(math_tok_text(&r->lx, i), "answer"))
        i++;
    if (i + 2 >= r->lx.n || kind_at(r, i) != T_WORD ||
        !pc_is_nocase(math_tok_text(&r->lx, i), "answer"))
        return 0;
    assay_str next = math_tok_text(&r->lx, i + 1);
    return pc_is(next, "is") || pc_is(next, ":") ? i + 2 : 0;
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
