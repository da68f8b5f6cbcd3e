/* literal.c -- see literal.h: one descent reads both languages. SPDX-License-Identifier: Apache-2.0
 */
#include "literal.h"

#include "json.h"
#include "value.h"

#include <math.h>

typedef struct reader {
    assay_str s;
    size_t at;
    unsigned depth;
    bool json;
    bool unhashable; /* the value just read cannot be in a set */
    bool holds_unhashable;
    pc_buf *out;
    pc_buf text; /* a number's characters, for strtod */
} reader;

static bool value(reader *r);

/* ---- between tokens ---- */

static char peek(const reader *r)
{
    return pc_at(r->s, r->at);
}

static void skip_space(reader *r)
{
    for (;;) {
        while (pc_in(peek(r), " \t\r\n\f"))
            r->at++;
        if (!r->json && peek(r) == '#') {
            const char *nl = memchr(r->s.data + r->at, '\n', r->s.len - r->at);
            r->at = nl ? (size_t)(nl - r->s.data) : r->s.len;
        } else if (!r->json && peek(r) == '\\' && r->at + 1 < r->s.len &&
                   r->s.data[r->at + 1] == '\n') {
            r->at += 2;
        } else {
            return;
        }
    }
}

static bool take(reader *r, char c)
{
    skip_space(r);
    if (peek(r) != c)
        return false;
    r->at++;
    return true;
}

static bool is_word_byte(char c)
{
    return pc_is_alpha(c) || pc_is_digit(c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool take_word(reader *r, const char *word)
{
    size_t n = strlen(word);
    if (!pc_starts(pc_from(r->s, r->at), word) ||
        (r->at + n < r->s.len && is_word_byte(r->s.data[r->at + n])))
        return false;
    r->at += n;
    return true;
}

/* ---- numbers ---- */

static bool is_digit_of(char c, unsigned base)
{
    if (base == 16)
        return pc_is_digit(c) || (pc_lower(c) >= 'a' && pc_lower(c) <= 'f');
    return c >= '0' && c < (char)('0' + base);
}

/* Digits with single underscores between; appended to r->text. */
static size_t digits(reader *r, unsigned base)
{
    size_t n = 0;
    for (;; r->at++) {
        char c = peek(r);
        if (is_digit_of(c, base)) {
            pc_buf_byte(&r->text, c);
            n++;
        } else if (!(c == '_' && n && !r->json && r->at + 1 < r->s.len &&
                     is_digit_of(r->s.data[r->at + 1], base))) {
            return n;
        }
    }
}

static void put_radix(pc_buf *bits, char c, unsigned base)
{
    unsigned d = pc_is_digit(c) ? (unsigned)(c - '0') : (unsigned)(pc_lower(c) - 'a') + 10;
    for (unsigned k = base == 8 ? 3 : 1; k-- > 0;)
        pc_buf_byte(bits, d >> k & 1 ? '1' : '0');
}

/* 0o17 and 0b101 in hexadecimal: bit by bit. */
static void put_bits(reader *r, unsigned base)
{
    static const char hex[] = "0123456789abcdef";
    pc_buf bits = { 0 };
    for (size_t i = 0; i < r->text.len; i++)
        put_radix(&bits, r->text.data[i], base);
    for (size_t i = 0, pad = (4 - bits.len % 4) % 4; i < bits.len;) {
        unsigned d = 0;
        for (; pad < 4; pad++)
            d = d << 1 | (bits.data[i++] == '1');
        pad = 0;
        pc_buf_byte(r->out, hex[d]);
    }
    r->out->failed = r->out->failed || bits.failed;
    pc_buf_fini(&bits);
}

static bool radix_integer(reader *r, bool minus)
{
    char letter = pc_lower(r->s.data[r->at + 1]);
    unsigned base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
    r->at += 2;
    if (!digits(r, base) || is_word_byte(peek(r)))
        return false;
    pc_buf_text(r->out, minus ? "i-0x" : "i0x");
    if (base == 16)
        pc_buf_add(r->out, r->text.data, r->text.len);
    else
        put_bits(r, base);
    pc_buf_byte(r->out, ';');
    return true;
}

/* The fraction and exponent behind n digits; true: there is one, so it is a float. */
static bool fraction(reader *r, size_t n, bool *bad)
{
    bool is_float = false;
    if (peek(r) == '.') {
        is_float = true;
        pc_buf_byte(&r->text, '.');
        r->at++;
        n += digits(r, 10);
    }
    *bad = n == 0;
    if (pc_in(peek(r), "eE")) {
        is_float = true;
        pc_buf_byte(&r->text, 'e');
        r->at++;
        if (pc_in(peek(r), "+-"))
            pc_buf_byte(&r->text, r->s.data[r->at++]);
        *bad = digits(r, 10) == 0 || *bad;
    }
    return is_float;
}

static bool imaginary_part(reader *r, double *re, double *im);

static void put_complex(reader *r, double re, double im)
{
    pc_buf_byte(r->out, 'c');
    cd_put_float(r->out, re);
    cd_put_float(r->out, im);
}

/* 017 is no Python; 00 is. */
static bool has_leading_zero(assay_str digits)
{
    return digits.len > 1 && digits.data[0] == '0' && strspn(digits.data, "0") != digits.len;
}

static bool decimal_integer(reader *r, bool minus, assay_str text)
{
    size_t from = r->out->len;
    if (!cd_put_int(r->out, text))
        return false;
    if (minus && pc_buf_reserve(r->out, 1)) { /* "i5;" -> "i-5;" */
        memmove(r->out->data + from + 2, r->out->data + from + 1, r->out->len - from - 1);
        r->out->data[from + 1] = '-';
        r->out->data[++r->out->len] = 0;
    }
    return true;
}

/* [sign] 1, 1.5, 1e9, 0x1f, 2j, 1+2j, inf, nan */
static bool number(reader *r, bool minus)
{
    enum { LONGEST_REAL = 300 };
    bool bad = false;
    double im;
    pc_buf_clear(&r->text);
    if (!r->json && peek(r) == '0' && r->at + 1 < r->s.len && pc_in(r->s.data[r->at + 1], "xXoObB"))
        return radix_integer(r, minus);
    size_t n = digits(r, 10);
    if (!n && peek(r) != '.')
        return false;
    bool is_float = fraction(r, n, &bad);
    if (bad)
        return false;
    assay_str text = pc_buf_str(&r->text);
    if (!r->json && pc_in(peek(r), "jJ")) {
        r->at++;
        double d = cd_strtod(text.data, NULL);
        put_complex(r, minus ? -0.0 : 0.0, minus ? -d : d);
        return !is_word_byte(peek(r));
    }
    if (is_word_byte(peek(r)) || (!is_float && has_leading_zero(text)))
        return false;
    double re = is_float || text.len < LONGEST_REAL ? cd_strtod(text.data, NULL) : 0;
    re = minus && (is_float || re > 0) ? -re : re;
    size_t before = r->at;
    if (!r->json && text.len < LONGEST_REAL && imaginary_part(r, &re, &im)) {
        put_complex(r, re, im);
        return true;
    }
    r->at = before;
    if (!is_float)
        return decimal_integer(r, minus, text);
    cd_put_float(r->out, re);
    return true;
}

/* " + 2j" after a number; as the sum or difference of two complex numbers, which is where zeros get
 * their signs. */
static bool imaginary_part(reader *r, double *re, double *im)
{
    pc_buf kept = r->text;
    bool bad = false, ok = false;
    r->text = (pc_buf){ 0 };
    skip_space(r);
    char sign = peek(r);
    if (pc_in(sign, "+-")) {
        r->at++;
        skip_space(r);
        size_t n = digits(r, 10);
        (void)fraction(r, n, &bad);
        if (!bad && pc_in(peek(r), "jJ")) {
            r->at++;
            double d = cd_strtod(r->text.data, NULL);
            *im = sign == '-' ? 0.0 - d : 0.0 + d;
            *re = sign == '-' ? *re - 0.0 : *re + 0.0;
            ok = true;
        }
    }
    pc_buf_fini(&r->text);
    r->text = kept;
    return ok;
}

static bool signed_number(reader *r)
{
    bool minus = false;
    while (pc_in(peek(r), "+-")) {
        if (r->json && (minus || peek(r) == '+'))
            return false;
        minus ^= peek(r) == '-';
        r->at++;
        if (!r->json)
            skip_space(r);
    }
    if (take_word(r, "Infinity") || (!r->json && take_word(r, "inf")))
        cd_put_float(r->out, minus ? -INFINITY : INFINITY);
    else if (!r->json && take_word(r, "nan"))
        cd_put_float(r->out, (double)NAN);
    else
        return number(r, minus);
    return true;
}

/* ---- text ---- */

static bool octal_or_hex(reader *r, char c, uint32_t *cp)
{
    unsigned n = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    *cp = 0;
    if (!n) { /* one to three octal digits, the first of which is c */
        *cp = (uint32_t)(c - '0');
        for (int i = 0; i < 2 && peek(r) >= '0' && peek(r) <= '7'; i++)
            *cp = *cp * 8 + (uint32_t)(r->s.data[r->at++] - '0');
        return true;
    }
    for (unsigned i = 0; i < n; i++) {
        char d = peek(r);
        if (!is_digit_of(d, 16))
            return false;
        *cp = *cp << 4 | (uint32_t)(pc_is_digit(d) ? d - '0' : pc_lower(d) - 'a' + 10);
        r->at++;
    }
    return *cp < 0x110000;
}

static bool escape(reader *r, pc_buf *text, bool bytes)
{
    static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
    char c = peek(r);
    uint32_t cp;
    r->at++;
    const char *known = c ? strchr(from, c) : NULL;
    if (c == '\n')
        return true;
    if (known) {
        pc_buf_byte(text, to[known - from]);
        return true;
    }
    if ((c >= '0' && c <= '7') || c == 'x' || (!bytes && (c == 'u' || c == 'U'))) {
        if (!octal_or_hex(r, c, &cp))
            return false;
        if (bytes)
            pc_buf_byte(text, (char)cp);
        else
            cd_put_utf8(text, cp);
        return true;
    }
    if (!c || (!bytes && c == 'N'))
        return false;
    pc_buf_byte(text, '\\');
    r->at--;
    return true;
}

typedef struct quotes {
    char quote;
    bool raw, bytes, triple;
} quotes;

/* The prefix and opening quotes at r->at; false: no string begins here, or an f-string. */
static bool open_string(reader *r, quotes *q)
{
    *q = (quotes){ 0 };
    size_t at = r->at;
    for (bool u = false; at < r->s.len && !u && pc_in(pc_lower(r->s.data[at]), "rbu"); at++) {
        char c = pc_lower(r->s.data[at]);
        u = c == 'u';
        if ((u && at > r->at) || (c == 'r' && q->raw) || (c == 'b' && q->bytes))
            return false; /* r, b, rb, br, u: each once */
        q->raw = q->raw || c == 'r';
        q->bytes = q->bytes || c == 'b';
    }
    if (at >= r->s.len || !pc_in(r->s.data[at], "'\""))
        return false;
    q->quote = r->s.data[at];
    q->triple = at + 2 < r->s.len && r->s.data[at + 1] == q->quote && r->s.data[at + 2] == q->quote;
    r->at = at + (q->triple ? 3 : 1);
    return true;
}

static bool closes(const reader *r, const quotes *q)
{
    if (peek(r) != q->quote)
        return false;
    return !q->triple || (r->at + 2 < r->s.len && r->s.data[r->at + 1] == q->quote &&
                          r->s.data[r->at + 2] == q->quote);
}

static bool string_body(reader *r, const quotes *q, pc_buf *text)
{
    while (r->at < r->s.len && !closes(r, q)) {
        uint32_t cp;
        size_t n = pc_utf8(r->s, r->at, &cp);
        if (cp == UINT32_MAX || (cp == '\n' && !q->triple) || (q->bytes && cp >= 0x80))
            return false;
        if (cp == '\\' && q->raw && r->at + 1 < r->s.len) {
            n = (unsigned char)r->s.data[r->at + 1] < 0x80 ? 2 : 1; /* never half a character */
            pc_buf_add(text, r->s.data + r->at, n);
            r->at += n;
        } else if (cp == '\\') {
            r->at++;
            if (!escape(r, text, q->bytes))
                return false;
        } else {
            pc_buf_add(text, r->s.data + r->at, n);
            r->at += n;
        }
    }
    if (r->at >= r->s.len)
        return false;
    r->at += q->triple ? 3 : 1;
    return true;
}

static bool python_string(reader *r)
{
    quotes first, q;
    pc_buf text = { 0 };
    bool ok = open_string(r, &first) && string_body(r, &first, &text);
    for (bool more = ok; ok && more;) { /* adjacent ones are one */
        size_t before = r->at;
        skip_space(r);
        more = open_string(r, &q);
        if (more)
            ok = q.bytes == first.bytes && string_body(r, &q, &text);
        else
            r->at = before;
    }
    if (ok)
        cd_put_text(r->out, first.bytes ? 'b' : 's', pc_buf_str(&text));
    r->out->failed = r->out->failed || text.failed;
    pc_buf_fini(&text);
    return ok;
}

static bool json_string(reader *r)
{
    size_t from = r->at++;
    while (r->at < r->s.len && r->s.data[r->at] != '"')
        r->at += r->s.data[r->at] == '\\' ? 2 : 1;
    if (r->at++ >= r->s.len)
        return false;
    pc_buf text = { 0 };
    (void)cd_json_string(&text,
                         pc_slice(r->s, from, r->at)); /* Python keeps half pairs, so do we */
    cd_put_text(r->out, 's', pc_buf_str(&text));
    r->out->failed = r->out->failed || text.failed;
    pc_buf_fini(&text);
    return true;
}

/* ---- containers ---- */

/* Elements up to `close`; a comma may stand before it in Python. *commas counts them.
 * NOLINTNEXTLINE(misc-no-recursion) */
static bool elements(reader *r, char close, size_t *n, size_t *commas, bool *unhashable)
{
    *n = *commas = 0;
    *unhashable = false;
    while (!take(r, close)) {
        if (*n && !take(r, ','))
            return false;
        *commas += *n > 0;
        if (*n && !r->json && take(r, close))
            return true;
        if (!value(r))
            return false;
        *unhashable = *unhashable || r->unhashable;
        ++*n;
    }
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static bool list(reader *r)
{
    size_t open = cd_put_open(r->out, '['), n, commas;
    bool inner;
    if (!elements(r, ']', &n, &commas, &inner))
        return false;
    cd_put_count(r->out, open, n);
    r->unhashable = true;
    r->holds_unhashable = inner;
    return true;
}

/* (1, 2) is a tuple, (1) is 1. NOLINTNEXTLINE(misc-no-recursion) */
static bool tuple(reader *r)
{
    size_t from = r->out->len, open = cd_put_open(r->out, '('), n, commas, start = r->out->len;
    bool inner;
    if (!elements(r, ')', &n, &commas, &inner))
        return false;
    r->unhashable = r->holds_unhashable = inner;
    if (n == 1 && commas == 0) {
        memmove(r->out->data + from, r->out->data + start, r->out->len - start);
        r->out->len -= start - from;
        return true;
    }
    cd_put_count(r->out, open, n);
    return true;
}

/* Is there another one, after n? False: the end was taken, or *ok says that there is none. */
static bool another(reader *r, char close, size_t n, bool *ok)
{
    if (take(r, close))
        return false;
    *ok = n == 0 || take(r, ',');
    return *ok && (n == 0 || r->json || !take(r, close));
}

/* What follows "{": a dict or a set. NOLINTNEXTLINE(misc-no-recursion) */
static bool braces(reader *r)
{
    size_t open = cd_put_open(r->out, '{'), n = 0;
    bool is_dict = true, ok = true;
    for (; another(r, '}', n, &ok); n++) {
        if (!value(r) || r->unhashable)
            return false;
        bool colon = take(r, ':');
        if (n == 0)
            is_dict = colon;
        if (colon != is_dict || (colon && !value(r)))
            return false;
    }
    if (!ok || (r->json && !is_dict))
        return false;
    if (!is_dict && !r->out->failed)
        r->out->data[open - 1] = '<';
    cd_put_count(r->out, open, n);
    r->unhashable = true;
    return true;
}

/* float('inf') and its kind: what the literals of floats cannot say. */
static bool float_call(reader *r)
{
    static const char *const words[] = { "inf", "nan", "-inf" };
    static const double values[] = { INFINITY, NAN, -INFINITY };
    quotes q;
    skip_space(r);
    if (!open_string(r, &q))
        return false;
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if (!pc_starts(pc_from(r->s, r->at), words[i]) || r->at + n >= r->s.len ||
            r->s.data[r->at + n] != q.quote)
            continue;
        r->at += n + 1;
        cd_put_float(r->out, values[i]);
        return !q.triple && take(r, ')');
    }
    return false;
}

/* complex(1.0, 2.0), of two floats: the tuple's head becomes the complex number's letter.
 * NOLINTNEXTLINE(misc-no-recursion) */
static bool complex_call(reader *r)
{
    size_t from = r->out->len, start = cd_put_open(r->out, '(') + 10, n, commas;
    bool inner;
    if (!elements(r, ')', &n, &commas, &inner) || n != 2 || r->out->failed)
        return false;
    memmove(r->out->data + from + 1, r->out->data + start, r->out->len - start);
    r->out->len -= start - from - 1;
    r->out->data[from] = 'c';
    cd_walk w = cd_walk_of((assay_str){ r->out->data + from, r->out->len - from });
    cd_item item;
    return cd_next(&w, &item) && w.at == w.end;
}

/* set(), frozenset({...}), float('inf'), complex(1.0, 2.0): as cd_repr() writes them.
 * NOLINTNEXTLINE(misc-no-recursion) */
static bool call(reader *r, const char *name)
{
    size_t from = r->out->len;
    if (!take(r, '('))
        return false;
    if (name[0] == 'f' && name[1] == 'l')
        return float_call(r);
    if (name[0] == 'c')
        return complex_call(r);
    bool frozen = name[0] == 'f';
    if (take(r, ')')) {
        pc_buf_text(r->out, frozen ? ">0" : "<0");
        r->unhashable = !frozen;
        return true;
    }
    if (!value(r) || !take(r, ')') || r->out->failed)
        return false;
    char kind = r->out->data[from];
    if (kind != '<' && (!pc_in(kind, "[(") || r->holds_unhashable))
        return false;
    r->out->data[from] = frozen ? '>' : '<';
    r->unhashable = !frozen;
    return true;
}

/* ---- values ---- */

static bool put_word(reader *r, const char *encoded)
{
    pc_buf_text(r->out, encoded);
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static bool named(reader *r)
{
    static const struct {
        const char *word, *encoded;
        bool json, python;
    } words[] = { { "None", "N", false, true },  { "True", "T", false, true },
                  { "False", "F", false, true }, { "null", "N", true, false },
                  { "true", "T", true, false },  { "false", "F", true, false },
                  { "NaN", "fnan;", true, true } };
    static const char *const calls[] = { "set", "frozenset", "float", "complex" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((r->json ? words[i].json : words[i].python) && take_word(r, words[i].word))
            return put_word(r, words[i].encoded);
    for (size_t i = 0; !r->json && i < sizeof calls / sizeof *calls; i++)
        if (take_word(r, calls[i]))
            return call(r, calls[i]);
    return signed_number(r);
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool value(reader *r)
{
    quotes q;
    skip_space(r);
    r->unhashable = false;
    size_t before = r->at;
    char c = peek(r);
    if (r->depth >= CD_DEPTH - 1)
        return false;
    r->depth++;
    bool ok;
    if (c == '[' || c == '{' || (c == '(' && !r->json)) {
        r->at++;
        ok = c == '[' ? list(r) : c == '{' ? braces(r) : tuple(r);
    } else if (r->json) {
        ok = c == '"' ? json_string(r) : named(r);
    } else {
        bool text = open_string(r, &q);
        r->at = before;
        ok = text ? python_string(r) : named(r);
    }
    r->depth--;
    return ok;
}

static bool read_whole(pc_buf *out, assay_str text, bool json)
{
    reader r = { .s = text, .json = json, .out = out };
    size_t from = out->len;
    bool ok = text.data && value(&r);
    skip_space(&r);
    ok = ok && r.at == text.len && !out->failed;
    if (!ok)
        out->len = from;
    pc_buf_fini(&r.text);
    return ok;
}

bool cd_read_json(pc_buf *out, assay_str text)
{
    return cd_json_valid(text) && read_whole(out, text, true);
}

bool cd_read_python(pc_buf *out, assay_str text)
{
    return read_whole(out, text, false);
}
