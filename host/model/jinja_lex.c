/* jinja_lex.c -- a template as tokens. White space around tags is settled here, as Jinja's lexer
 * does with trim_blocks and lstrip_blocks. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "model/jinja_inner.h"
#include "model/unicode.h"

#include <stdio.h>

typedef struct lexer {
    const char *name;
    as_arena *arena;
    as_str text;
    size_t at;
    unsigned line;
    bool is_line_start; /* the last thing taken ended with a line */
    as_jtoken *tokens;
    size_t n, cap;
    as_err *err;
} lexer;

static int fail(lexer *l, const char *what)
{
    return as_fail(l->err, AS_EDATA, "%s: line %u: %s", l->name, l->line, what);
}

static int add(lexer *l, as_jtoken token)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 128;
        as_jtoken *grown = as_realloc_array(l->tokens, cap, sizeof *grown);
        if (!grown)
            return as_fail(l->err, AS_ENOMEM, "%s: out of memory", l->name);
        l->tokens = grown;
        l->cap = cap;
    }
    token.line = l->line;
    l->tokens[l->n++] = token;
    return 0;
}

static char peek(const lexer *l, size_t ahead)
{
    if (l->at + ahead >= l->text.len)
        return 0;
    return l->text.data[l->at + ahead];
}

/* Moves on, counting lines. */
static void advance(lexer *l, size_t to)
{
    for (; l->at < to; l->at++)
        l->line += l->text.data[l->at] == '\n';
}

/* Line ends become \n, and the last one goes, as Jinja does. */
static int normalise(lexer *l, as_str text)
{
    char *copy = as_arena_alloc(l->arena, text.len + 1);
    if (!copy)
        return as_fail(l->err, AS_ENOMEM, "%s: out of memory", l->name);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\r' && i + 1 < text.len && text.data[i + 1] == '\n')
            continue;
        copy[n++] = text.data[i];
        if (text.data[i] == '\r')
            copy[n - 1] = '\n';
    }
    if (n && copy[n - 1] == '\n')
        n--;
    copy[n] = 0;
    l->text = (as_str){ copy, n };
    return 0;
}

/* ---- text between tags ---- */

static as_str strip_right(as_str s)
{
    uint32_t c;
    while (s.len) {
        unsigned n = as_uc_read_back(s.data, s.len, &c);
        if (!as_uc_is_blank(c))
            break;
        s.len -= n;
    }
    return s;
}

/* lstrip_blocks: a tag that stands alone at the start of its line takes the blanks before it. */
static as_str strip_line(as_str s, bool is_line_start)
{
    size_t start = s.len;
    while (start > 0 && s.data[start - 1] != '\n')
        start--;
    if (start == 0 && !is_line_start)
        return s;
    as_str blanks = { s.data + start, s.len - start };
    return strip_right(blanks).len == 0 ? (as_str){ s.data, start } : s;
}

/* Place of the next "{{", "{%" or "{#". */
static size_t next_tag(const lexer *l)
{
    for (size_t i = l->at; i + 1 < l->text.len; i++) {
        const char *p = memchr(l->text.data + i, '{', l->text.len - i - 1);
        if (!p)
            break;
        i = (size_t)(p - l->text.data);
        if (p[1] == '{' || p[1] == '%' || p[1] == '#')
            return i;
    }
    return l->text.len;
}

/* Text up to the next tag, and the tag's beginning. *what: '{', '%', '#', or 0 at the end. */
static int lex_text(lexer *l, char *what)
{
    size_t tag = next_tag(l), ahead = tag - l->at;
    as_str text = { l->text.data + l->at, ahead };
    char sign = peek(l, ahead + 2);
    *what = peek(l, ahead + 1);
    if (*what && sign == '-')
        text = strip_right(text);
    else if ((*what == '%' || *what == '#') && sign != '+')
        text = strip_line(text, l->is_line_start);
    int rc = text.len ? add(l, (as_jtoken){ .kind = AS_JT_TEXT, .text = text }) : 0;
    bool has_sign = *what && (sign == '-' || (sign == '+' && *what != '{'));
    advance(l, *what ? tag + 2 + has_sign : tag);
    l->is_line_start = false;
    if (rc < 0 || *what == '#' || !*what)
        return rc;
    return add(l, (as_jtoken){ .kind = *what == '{' ? AS_JT_VAR : AS_JT_BLOCK });
}

/* After "-%}": all white space goes; after "%}" and "#}" one line end (trim_blocks). */
static void after_tag(lexer *l, bool strips, bool is_block)
{
    uint32_t c;
    size_t at = l->at;
    while (strips && at < l->text.len) {
        unsigned n = as_uc_read(l->text.data + at, l->text.len - at, &c);
        if (!as_uc_is_blank(c))
            break;
        at += n;
    }
    if (!strips && is_block && at < l->text.len && l->text.data[at] == '\n')
        at++;
    l->is_line_start = at > l->at && l->text.data[at - 1] == '\n';
    advance(l, at);
}

static int lex_comment(lexer *l)
{
    const char *stop = memmem(l->text.data + l->at, l->text.len - l->at, "#}", 2);
    if (!stop)
        return fail(l, "a comment {# is not closed");
    size_t end = (size_t)(stop - l->text.data);
    bool strips = end > l->at && stop[-1] == '-', keeps = end > l->at && stop[-1] == '+';
    advance(l, end + 2);
    after_tag(l, strips, !keeps);
    return 0;
}

/* ---- inside tags ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xNN, \uNNNN, \UNNNNNNNN at p: bytes used, 0 where it is none. */
static size_t numeric_escape(const char *p, const char *end, uint32_t *c)
{
    size_t digits = *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
    *c = 0;
    if (!digits || (size_t)(end - p) <= digits)
        return 0;
    for (size_t i = 1; i <= digits; i++) {
        int d = hex(p[i]);
        if (d < 0)
            return 0;
        *c = *c << 4 | (uint32_t)d;
    }
    return *c > 0x10FFFF || (*c >= 0xD800 && *c < 0xE000) ? 0 : digits + 1;
}

/* What a literal stands for: Python's escapes; an unknown one keeps its backslash. */
static as_str unescape(lexer *l, as_str s)
{
    static const char from[] = "nrt\\'\"abfv", to[] = "\n\r\t\\'\"\a\b\f\v";
    if (!s.len || !memchr(s.data, '\\', s.len))
        return (as_str){ s.data, s.len };
    char *out = as_arena_alloc(l->arena, s.len + 1);
    const char *p = s.data, *end = s.data + s.len;
    size_t n = 0;
    while (out && p < end) {
        if (*p != '\\' || p + 1 == end) {
            out[n++] = *p++;
            continue;
        }
        const char *named = p[1] ? strchr(from, p[1]) : NULL;
        uint32_t c;
        size_t used = numeric_escape(p + 1, end, &c);
        if (named) {
            out[n++] = to[named - from];
            p += 2;
        } else if (p[1] == '\n') {
            p += 2;
        } else if (used) {
            n += as_uc_write(out + n, c);
            p += 1 + used;
        } else {
            out[n++] = *p++;
        }
    }
    if (out)
        out[n] = 0;
    return (as_str){ out, n };
}

static int lex_string(lexer *l)
{
    char quote = peek(l, 0);
    size_t end = l->at + 1;
    while (end < l->text.len && l->text.data[end] != quote)
        end += l->text.data[end] == '\\' ? 2 : 1;
    if (end >= l->text.len)
        return fail(l, "a string is not closed");
    as_jtoken t = { .kind = AS_JT_STRING };
    t.text = unescape(l, (as_str){ l->text.data + l->at + 1, end - l->at - 1 });
    if (!t.text.data)
        return as_fail(l->err, AS_ENOMEM, "%s: out of memory", l->name);
    int rc = add(l, t);
    advance(l, end + 1);
    return rc;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

static int lex_number(lexer *l)
{
    size_t end = l->at;
    as_jtoken t = { .kind = AS_JT_INT };
    while (end < l->text.len && is_digit(l->text.data[end]))
        end++;
    if (end + 1 < l->text.len && l->text.data[end] == '.' && is_digit(l->text.data[end + 1])) {
        t.kind = AS_JT_FLOAT;
        for (end++; end < l->text.len && is_digit(l->text.data[end]);)
            end++;
    }
    t.text = (as_str){ l->text.data + l->at, end - l->at };
    unsigned long long v = 0;
    if (end < l->text.len && is_name(l->text.data[end]))
        return fail(l, "this form of number is not implemented (known: 12, 1.5)");
    if (t.kind == AS_JT_FLOAT ? !as_str_double(t.text, &t.real)
                              : !as_str_u64(t.text, &v) || v > INT64_MAX)
        return fail(l, "a number is too large");
    t.integer = (int64_t)v;
    advance(l, end);
    return add(l, t);
}

static int lex_operator(lexer *l)
{
    static const char *const pairs[] = { "//", "**", "==", "!=", "<=", ">=" };
    as_jtoken t = { .kind = AS_JT_OPERATOR, .text = { l->text.data + l->at, 1 } };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (peek(l, 0) == pairs[i][0] && peek(l, 1) == pairs[i][1])
            t.text.len = 2;
    if (t.text.len == 1 && (!peek(l, 0) || !strchr("+-*/%~<>=.,:|()[]{}", peek(l, 0)))) {
        char what[60];
        (void)snprintf(what, sizeof what, "the character 0x%02X is not expected here",
                       (unsigned char)peek(l, 0));
        return fail(l, what);
    }
    l->at += t.text.len;
    return add(l, t);
}

/* One token inside a tag. */
static int lex_one(lexer *l)
{
    char c = peek(l, 0);
    if (c == '"' || c == '\'')
        return lex_string(l);
    if (is_digit(c))
        return lex_number(l);
    if (!is_name(c))
        return lex_operator(l);
    size_t end = l->at;
    while (end < l->text.len && is_name(l->text.data[end]))
        end++;
    as_jtoken t = { .kind = AS_JT_NAME, .text = { l->text.data + l->at, end - l->at } };
    l->at = end;
    return add(l, t);
}

static bool opens(char c)
{
    return c == '(' || c == '[' || c == '{';
}

static bool closes(char c)
{
    return c == ')' || c == ']' || c == '}';
}

/* Up to the tag's end; inside brackets its signs are the brackets' own. */
static int lex_inside(lexer *l, bool is_block)
{
    size_t depth = 0;
    for (;;) {
        while (peek(l, 0) && strchr(" \t\n\v\f", peek(l, 0)))
            advance(l, l->at + 1);
        if (l->at >= l->text.len)
            return fail(l, is_block ? "a tag {% is not closed" : "a tag {{ is not closed");
        bool strips = peek(l, 0) == '-', keeps = is_block && peek(l, 0) == '+';
        size_t sign = strips || keeps;
        if (depth == 0 && peek(l, sign) == (is_block ? '%' : '}') && peek(l, sign + 1) == '}') {
            int rc = add(l, (as_jtoken){ .kind = is_block ? AS_JT_BLOCK_END : AS_JT_VAR_END });
            l->at += sign + 2;
            after_tag(l, strips, is_block && !keeps);
            return rc;
        }
        char c = peek(l, 0);
        int rc = lex_one(l);
        if (rc < 0)
            return rc;
        depth += opens(c);
        depth -= closes(c) && depth > 0;
    }
}

int as_jinja_lex(as_str text, const char *name, as_arena *arena, as_jtoken **out, as_err *err)
{
    lexer l = { .name = name, .arena = arena, .line = 1, .is_line_start = true, .err = err };
    *out = NULL;
    int rc = normalise(&l, text);
    if (rc == 0 && as_utf8_valid(l.text) != l.text.len)
        rc = as_fail(err, AS_EDATA, "%s: bytes that are not UTF-8", name);
    while (rc == 0 && l.at < l.text.len) {
        char what;
        rc = lex_text(&l, &what);
        if (rc == 0 && what)
            rc = what == '#' ? lex_comment(&l) : lex_inside(&l, what == '%');
    }
    if (rc == 0)
        rc = add(&l, (as_jtoken){ .kind = AS_JT_END });
    as_jtoken *tokens = rc == 0 ? as_arena_alloc(arena, l.n * sizeof *tokens) : NULL;
    if (tokens)
        memcpy(tokens, l.tokens, l.n * sizeof *tokens);
    as_free(l.tokens);
    *out = tokens;
    return rc < 0 || tokens ? rc : as_fail(err, AS_ENOMEM, "%s: out of memory", name);
}
