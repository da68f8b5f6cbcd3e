/* parse_text.c -- answers in words: their normal form, and the few phrases that mean something
 * exact. SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_text.h"

#include "math/units.h"

/* ---- phrases ---- */

typedef struct phrase {
    const char *words;
    math_kind kind; /* M_TEXT: another way to say `text` */
    unsigned op;
    const char *text;
} phrase;

/* Lower case, single spaces. */
static const phrase phrases[] = {
    { "no solution", M_EMPTY, 0, "" },
    { "no solutions", M_EMPTY, 0, "" },
    { "no real solution", M_EMPTY, 0, "" },
    { "no real solutions", M_EMPTY, 0, "" },
    { "there is no solution", M_EMPTY, 0, "" },
    { "there are no solutions", M_EMPTY, 0, "" },
    { "no such values exist", M_EMPTY, 0, "" },
    { "empty set", M_EMPTY, 0, "" },
    { "emptyset", M_EMPTY, 0, "" },
    { "the empty set", M_EMPTY, 0, "" },
    { "none", M_EMPTY, 0, "" },
    { "all real numbers", M_NAMED, 'R', "" },
    { "all reals", M_NAMED, 'R', "" },
    { "any real number", M_NAMED, 'R', "" },
    { "the real numbers", M_NAMED, 'R', "" },
    { "real numbers", M_NAMED, 'R', "" },
    { "reals", M_NAMED, 'R', "" },
    { "all integers", M_NAMED, 'Z', "" },
    { "integers", M_NAMED, 'Z', "" },
    { "infinity", M_INF, 0, "" },
    { "positive infinity", M_INF, 0, "" },
    { "does not exist", M_TEXT, 0, "does not exist" },
    { "dne", M_TEXT, 0, "does not exist" },
    { "d.n.e.", M_TEXT, 0, "does not exist" },
    { "not defined", M_TEXT, 0, "undefined" },
    { "infinitely many", M_INF, 0, "" },
    { "infinitely many solutions", M_INF, 0, "" },
    { "infinite number of solutions", M_INF, 0, "" },
    { "an infinite number of solutions", M_INF, 0, "" },
};

static const phrase *find_phrase(assay_str words)
{
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (pc_is_nocase(words, phrases[i].words))
            return &phrases[i];
    return NULL;
}

static math_id phrase_node(math_tree *t, const phrase *f)
{
    assay_str text = { f->text, strlen(f->text) };
    return math_text_node(t, f->kind, f->op, text, NULL, 0);
}

/* ---- words ---- */

/* ABC is a name of points or letters, not a shout. */
static bool keeps_case(assay_str w)
{
    enum { LONGEST_NAME = 5 };
    if (w.len > LONGEST_NAME)
        return false;
    for (size_t i = 0; i < w.len; i++)
        if (w.data[i] >= 'a' && w.data[i] <= 'z')
            return false;
    return true;
}

static void add_word(pc_buf *out, assay_str w)
{
    if (out->len)
        pc_buf_byte(out, ' ');
    bool keep = keeps_case(w);
    for (size_t i = 0; i < w.len; i++)
        pc_buf_byte(out, keep ? w.data[i] : pc_lower(w.data[i])); /* NOLINT: a byte */
}

static int month_of(assay_str w)
{
    static const char *const months[] = { "january",   "february", "march",    "april",
                                          "may",       "june",     "july",     "august",
                                          "september", "october",  "november", "december" };
    for (int i = 0; i < 12; i++)
        if (pc_is_nocase(w, months[i]))
            return i;
    return -1;
}

/* "5 January", "January 5", "January 5, 2020": month first, then the numbers as they come. */
static bool write_date(const math_parser *p, uint32_t lo, uint32_t hi, pc_buf *out)
{
    uint32_t month = hi, numbers = 0;
    for (uint32_t i = lo; i < hi; i++) {
        assay_str w = math_tok_text(&p->lx, i);
        uint8_t k = p->lx.tokens[i].kind;
        if (k == T_WORD && month == hi && month_of(w) >= 0)
            month = i;
        else if (k == T_NUM)
            numbers++;
        else if (k != T_COMMA && !(k == T_WORD && w.len == 2)) /* 5th, of */
            return false;
    }
    if (month == hi || !numbers || numbers > 2)
        return false;
    add_word(out, math_tok_text(&p->lx, month));
    for (uint32_t i = lo; i < hi; i++)
        if (p->lx.tokens[i].kind == T_NUM)
            add_word(out, math_tok_text(&p->lx, i));
    return true;
}

static bool all_words(const math_parser *p, uint32_t lo, uint32_t hi)
{
    for (uint32_t i = lo; i < hi; i++) {
        uint8_t k = p->lx.tokens[i].kind;
        assay_str w = math_tok_text(&p->lx, i);
        bool dash = (k == T_MINUS || (k == T_OTHER && pc_is(w, "."))) && i > lo;
        if (k != T_WORD && k != T_PRIME && !dash)
            return false;
    }
    return hi > lo;
}

static bool is_article(assay_str w)
{
    return pc_is_nocase(w, "the") || pc_is_nocase(w, "an") || pc_is_nocase(w, "a");
}

static void write_words(const math_parser *p, uint32_t lo, uint32_t hi, pc_buf *out)
{
    if (hi > lo + 1 && is_article(math_tok_text(&p->lx, lo)))
        lo++;
    for (uint32_t i = lo; i < hi; i++)
        if (p->lx.tokens[i].kind == T_WORD)
            add_word(out, math_tok_text(&p->lx, i));
}

math_id math_text_answer(math_parser *p, uint32_t lo, uint32_t hi)
{
    pc_buf out = { 0 };
    unsigned op = 0;
    if (all_words(p, lo, hi)) {
        write_words(p, lo, hi, &out);
    } else if (!write_date(p, lo, hi, &out)) {
        math_lex_text(&p->lx, lo, hi, &out);
        op = MATH_MIXED_TEXT;
    }
    math_id id = out.failed ? 0 : math_text_node(p->tree, M_TEXT, op, pc_buf_str(&out), NULL, 0);
    pc_buf_fini(&out);
    return id;
}

static bool is_joint(const math_parser *p, uint32_t i)
{
    uint8_t k = p->lx.tokens[i].kind;
    assay_str w = math_tok_text(&p->lx, i);
    return k == T_COMMA || k == T_SEMI ||
           (k == T_WORD && (pc_is_nocase(w, "and") || pc_is_nocase(w, "or")));
}

/* One word: a number, a letter, a constant, or itself. */
static math_id one_word(math_parser *p, uint32_t at)
{
    assay_str w = math_tok_text(&p->lx, at);
    unsigned value;
    bool roman = p->lx.tokens[at].roman;
    if (w.len == 1 && pc_is_alpha(w.data[0])) {
        if (!roman && pc_in(w.data[0], "ei"))
            return math_node_new(p->tree, w.data[0] == 'e' ? M_E : M_I, 0, NULL, 0);
        return math_text_node(p->tree, M_SYM, roman, w, NULL, 0);
    }
    if (math_cardinal(w, &value))
        return math_int(p->tree, (int64_t)value);
    static const char *const constants[] = { "pi",    "inf",  "oo",    "infty", "EmptySet",
                                             "alpha", "beta", "gamma", "theta", NULL };
    for (const char *const *c = constants; *c; c++)
        if (pc_is(w, *c))
            return 0;
    return math_text_answer(p, at, at + 1);
}

/* x cm: an unknown and its unit. */
static bool is_measured_letter(const math_parser *p, uint32_t lo, uint32_t hi)
{
    const token *t = p->lx.tokens;
    return hi == lo + 2 && t[lo].kind == T_WORD && t[lo].len == 1 && !t[lo].roman &&
           t[lo + 1].roman && math_unit_is_measure(math_tok_text(&p->lx, lo + 1));
}

math_id math_words_answer(math_parser *p, uint32_t lo, uint32_t hi)
{
    if (is_measured_letter(p, lo, hi))
        return 0;
    if (!all_words(p, lo, hi) || (hi == lo + 2 && p->lx.tokens[hi - 1].kind == T_PRIME)) /* f' */
        return 0;
    pc_buf words = { 0 };
    for (uint32_t i = lo; i < hi; i++)
        if (p->lx.tokens[i].kind == T_WORD) {
            if (words.len)
                pc_buf_byte(&words, ' ');
            pc_buf_add(&words, math_tok_text(&p->lx, i).data, math_tok_text(&p->lx, i).len);
        }
    const phrase *f = words.failed ? NULL : find_phrase(pc_buf_str(&words));
    pc_buf_fini(&words);
    if (f)
        return phrase_node(p->tree, f);
    if (hi == lo + 1)
        return one_word(p, lo);
    for (uint32_t i = lo; i < hi;
         i++) { /* sin x, x y: letters and functions alone are mathematics */
        assay_str w = math_tok_text(&p->lx, i);
        if (p->lx.tokens[i].kind == T_WORD && w.len > 1 && !math_function_named(w) &&
            !is_joint(p, i))
            return math_text_answer(p, lo, hi);
    }
    return 0;
}

/* Is the token a word that is no mathematics? */
static bool is_plain_word(const math_parser *p, uint32_t i)
{
    assay_str w = math_tok_text(&p->lx, i);
    return p->lx.tokens[i].kind == T_WORD && w.len > 2 && !math_function_named(w);
}

/* "red, blue and green": words between joints, at least one of them plain. */
math_id math_words_list(math_parser *p, uint32_t lo, uint32_t hi)
{
    bool joints = false, plain = false;
    for (uint32_t i = lo; i < hi; i++) {
        bool joint = is_joint(p, i);
        if (!joint && p->lx.tokens[i].kind != T_WORD)
            return 0;
        joints = joints || (joint && i > lo && i + 1 < hi);
        plain = plain || (!joint && is_plain_word(p, i));
    }
    if (!joints || !plain)
        return 0;
    enum { LONGEST = 4 }; /* words of one item: more are a sentence */
    uint32_t from = p->n_stack, start = lo;
    for (uint32_t i = lo; i <= hi; i++) {
        if (i < hi && !is_joint(p, i))
            continue;
        if (i > start + LONGEST) {
            p->n_stack = from;
            return 0;
        }
        if (i > start &&
            !math_push(p, i == start + 1 ? one_word(p, start) : math_text_answer(p, start, i)))
            return 0;
        start = i + 1;
    }
    return math_pop_or_one(p, from, M_LIST, JOIN_COMMA);
}

math_id math_date_answer(math_parser *p, uint32_t lo, uint32_t hi)
{
    pc_buf out = { 0 };
    bool is = write_date(p, lo, hi, &out);
    math_id id = is && !out.failed ? math_leaf(p->tree, M_TEXT, pc_buf_str(&out)) : 0;
    pc_buf_fini(&out);
    return id;
}

static bool has_vowel(assay_str w)
{
    for (size_t i = 0; i < w.len; i++)
        if (pc_in(pc_lower(w.data[i]), "aeiouy"))
            return true;
    return !pc_is_alpha(w.data[0]); /* other scripts have words too */
}

/* Could the token end a value, so that words after it may be its unit? */
static bool ends_value(uint8_t k)
{
    return k == T_NUM || k == T_CLOSE || k == T_RPAREN || k == T_RSQUARE || k == T_DEGREE ||
           k == T_PERCENT || k == T_SLASH || k == T_FACT || k == T_BAR;
}

static bool begins_clause(assay_str w)
{
    static const char *const list[] = { "where", "is", "are",  "if",      "when", "which",
                                        "that",  "so", "then", "because", "at",   NULL };
    for (const char *const *p = list; *p; p++)
        if (pc_is(w, *p))
            return true;
    return false;
}

/* Words of "where n is an integer", which the parser reads. */
static bool speaks_of_integers(assay_str w)
{
    static const char *const list[] = { "where",    "for",     "any", "all",   "every", "is",
                                        "integers", "integer", "an",  "union", NULL };
    for (const char *const *p = list; *p; p++)
        if (pc_is(w, *p))
            return true;
    return false;
}

/* "We get 42", "Answer 9": words that stand before values are a sentence, not a product of letters.
 */
bool math_is_sentence(const math_parser *p, uint32_t lo, uint32_t hi)
{
    size_t letters = 0;
    bool after_value = false;
    for (uint32_t i = lo; i < hi; i++) {
        const token *t = &p->lx.tokens[i];
        assay_str w = math_tok_text(&p->lx, i);
        if (t->kind != T_WORD) {
            after_value =
                ends_value(t->kind) ||
                (after_value && (t->kind == T_TIMES || t->kind == T_SUP || t->kind == T_OPEN));
            continue;
        }
        after_value = after_value && !begins_clause(w);
        bool apart = (t->spaced || i == lo) && (t[1].spaced || i + 1 == hi || !w.data ||
                                                w.len == 0 || !pc_is_alpha(w.data[0]));
        bool word = w.len > 1 && has_vowel(w) && !math_function_named(w) && !pc_is(w, "and") &&
                    !pc_is(w, "or") && !pc_is(w, "pi") && !pc_is(w, "mod") &&
                    !speaks_of_integers(w);
        if (apart && word && !t->roman && !after_value)
            letters += w.len;
    }
    enum { SENTENCE = 5 };
    return letters >= SENTENCE;
}

/* Words that are no mathematics: then an answer which cannot be parsed is text, not a broken
 * formula. */
bool math_has_prose(const math_parser *p, uint32_t lo, uint32_t hi)
{
    for (uint32_t i = lo; i < hi; i++) {
        assay_str w = math_tok_text(&p->lx, i);
        if (p->lx.tokens[i].kind == T_WORD && w.len > 2 && !math_function_named(w) &&
            !pc_is(w, "and"))
            return true;
    }
    return false;
}
