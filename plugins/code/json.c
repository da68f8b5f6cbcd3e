/* json.c -- see json.h. SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

enum { DEPTH = 200 };

/* ---- checking ---- */

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && pc_in(*at, " \t\r\n"))
        at++;
    return at;
}

/* Past the string that opens at `at`; NULL: it does not end, or is malformed. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        if ((unsigned char)*at < 0x20)
            return NULL;
        if (*at != '\\')
            continue;
        if (++at >= end || !pc_in(*at, "\"\\/bfnrtu"))
            return NULL;
        for (int i = 0; *at == 'u' && i < 4; i++)
            if (at + 1 + i >= end || !pc_in(at[1 + i], "0123456789abcdefABCDEF"))
                return NULL;
    }
    return at < end ? at + 1 : NULL;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && pc_is_digit(*at))
        at++;
    return at;
}

/* A number, or one of the words; NaN, Infinity and -Infinity as Python's json writes them. */
static const char *skip_scalar(const char *at, const char *end)
{
    static const char *const words[] = { "null",     "true",      "false", "NaN",
                                         "Infinity", "-Infinity", NULL };
    for (const char *const *w = words; *w; w++)
        if (pc_starts((assay_str){ at, (size_t)(end - at) }, *w))
            return at + strlen(*w);
    at += at < end && *at == '-';
    const char *digits = skip_digits(at, end);
    if (digits == at || (*at == '0' && digits > at + 1))
        return NULL;
    at = digits;
    if (at < end && *at == '.') {
        digits = skip_digits(at + 1, end);
        if (digits == at + 1)
            return NULL;
        at = digits;
    }
    if (at < end && pc_in(*at, "eE")) {
        at += 1 + (at + 1 < end && pc_in(at[1], "+-"));
        digits = skip_digits(at, end);
        if (digits == at)
            return NULL;
        at = digits;
    }
    return at;
}

typedef struct state {
    const char *at, *end;
    char open[DEPTH];
    unsigned depth;
    bool wants_value, may_close; /* may_close: right after the opening bracket */
} state;

static bool take_key(state *s)
{
    if (s->at >= s->end || *s->at != '"' || !(s->at = skip_string(s->at, s->end)))
        return false;
    s->at = skip_space(s->at, s->end);
    return s->at < s->end && *s->at++ == ':';
}

static bool take_value(state *s)
{
    char c = *s->at;
    s->wants_value = false;
    if (c == '{' || c == '[') {
        if (s->depth == DEPTH)
            return false;
        s->open[s->depth++] = c;
        s->at = skip_space(s->at + 1, s->end);
        s->may_close = true;
        return true;
    }
    s->at = c == '"' ? skip_string(s->at, s->end) : skip_scalar(s->at, s->end);
    return s->at != NULL;
}

/* What may follow a value inside a container: its end, or a comma and the next. */
static bool take_joint(state *s)
{
    char open = s->open[s->depth - 1], c = *s->at;
    if (c == (open == '{' ? '}' : ']')) {
        s->at++;
        s->depth--;
        s->may_close = false;
        return true;
    }
    if (!s->may_close) {
        if (c != ',')
            return false;
        s->at = skip_space(s->at + 1, s->end);
    }
    s->may_close = false;
    s->wants_value = true;
    return open != '{' || take_key(s);
}

static const char *skip_value(const char *at, const char *end)
{
    state s = { .at = skip_space(at, end), .end = end, .wants_value = true };
    do {
        s.at = skip_space(s.at, end);
        if (s.at >= end || !(s.wants_value ? take_value(&s) : take_joint(&s)))
            return NULL;
    } while (s.depth || s.wants_value);
    return s.at;
}

bool cd_json_valid(assay_str text)
{
    if (!text.data)
        return false;
    const char *end = text.data + text.len, *at = skip_value(text.data, end);
    return at && skip_space(at, end) == end;
}

/* ---- walking ---- */

char cd_json_kind(assay_str value)
{
    char c = pc_at(value, 0);
    if (!pc_in(c, "{[\"ntf"))
        return 0;
    return c;
}

cd_json cd_json_open(assay_str value)
{
    if (!value.len || !pc_in(value.data[0], "{["))
        return (cd_json){ value.data, value.data };
    return (cd_json){ value.data + 1, value.data + value.len };
}

bool cd_json_next(cd_json *it, assay_str *key, assay_str *value)
{
    const char *at = skip_space(it->at, it->end);
    if (at < it->end && *at == ',')
        at = skip_space(at + 1, it->end);
    if (at >= it->end || *at == '}' || *at == ']')
        return false;
    if (key) {
        const char *end = *at == '"' ? skip_string(at, it->end) : NULL;
        if (!end)
            return false;
        *key = (assay_str){ at, (size_t)(end - at) };
        at = skip_space(end, it->end);
        at = skip_space(at + (at < it->end), it->end);
    }
    const char *end = skip_value(at, it->end);
    if (!end)
        return false;
    *value = (assay_str){ at, (size_t)(end - at) };
    it->at = end;
    return true;
}

uint32_t cd_json_count(assay_str value)
{
    cd_json it = cd_json_open(value);
    assay_str key, element;
    uint32_t n = 0;
    while (cd_json_next(&it, cd_json_kind(value) == '{' ? &key : NULL, &element))
        n++;
    return n;
}

bool cd_json_is(assay_str raw, const char *text)
{
    return raw.len == strlen(text) + 2 && memcmp(raw.data + 1, text, raw.len - 2) == 0;
}

assay_str cd_json_get(assay_str object, const char *key)
{
    assay_str found = { NULL, 0 }, name, value;
    cd_json it = cd_json_open(object);
    while (cd_json_kind(object) == '{' && cd_json_next(&it, &name, &value))
        if (cd_json_is(name, key))
            found = value;
    return found;
}

/* ---- strings ---- */

static uint32_t four_digits(const char *p)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++) {
        char c = pc_lower(p[i]);
        n = n << 4 | (uint32_t)(pc_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    return n;
}

void cd_put_utf8(pc_buf *out, uint32_t cp)
{
    if (cp < 0x80) {
        pc_buf_byte(out, (char)cp);
        return;
    }
    int more = cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;
    static const unsigned lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    pc_buf_byte(out, (char)(lead[more] | cp >> 6 * more));
    while (more--)
        pc_buf_byte(out, (char)(0x80 | (cp >> 6 * more & 0x3f)));
}

/* The escape at s[at], past its backslash; *at: past it. False: half a pair. */
static bool put_escape(pc_buf *out, assay_str s, size_t *at)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    char c = s.data[(*at)++];
    const char *known = strchr(from, c);
    if (c != 'u') {
        pc_buf_add(out, known ? &to[known - from] : &c, 1);
        return true;
    }
    uint32_t cp = four_digits(s.data + *at);
    *at += 4;
    if (cp >= 0xd800 && cp < 0xdc00 && *at + 6 <= s.len && s.data[*at] == '\\' &&
        s.data[*at + 1] == 'u') {
        uint32_t low = four_digits(s.data + *at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
            *at += 6;
        }
    }
    cd_put_utf8(out, cp);
    return cp < 0xd800 || cp > 0xdfff;
}

bool cd_json_string(pc_buf *out, assay_str raw)
{
    if (cd_json_kind(raw) != '"')
        return false;
    assay_str s = pc_slice(raw, 1, raw.len - 1);
    bool whole = true;
    for (size_t at = 0; at < s.len;) {
        const char *next = memchr(s.data + at, '\\', s.len - at);
        size_t end = next ? (size_t)(next - s.data) : s.len;
        pc_buf_add(out, s.data + at, end - at);
        at = end;
        if (next) {
            at++;
            whole = put_escape(out, s, &at) && whole;
        }
    }
    return whole;
}

void cd_json_quote(pc_buf *out, assay_str text)
{
    pc_buf_byte(out, '"');
    for (size_t at = 0, n; at < text.len; at += n) {
        uint32_t cp;
        n = pc_utf8(text, at, &cp);
        if (cp == UINT32_MAX)
            pc_buf_text(out, "\xef\xbf\xbd");
        else if (cp == '"' || cp == '\\')
            pc_buf_fmt(out, "\\%c", (int)cp);
        else if (cp < 0x20)
            pc_buf_fmt(out, "\\u%04x", (unsigned)cp);
        else
            pc_buf_add(out, text.data + at, n);
    }
    pc_buf_byte(out, '"');
}
