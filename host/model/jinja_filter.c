/* jinja_filter.c -- filters, by Jinja 3.1's names and meaning; tojson is transformers' own. Those
 * of lists stand in jinja_filter_list.c. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "model/jinja_inner.h"
#include "model/unicode.h"

#include <math.h>
#include <utf8proc.h>

static bool is_set(const as_jv *v)
{
    return v && as_jv_truth(*v);
}

/* ---- of strings ---- */

typedef enum word_case { UPPER, LOWER } word_case;

static void put_char(as_buf *b, uint32_t c, word_case how)
{
    char bytes[4];
    if (c == 0xDF && how == UPPER) {
        as_buf_text(b, "SS");
        return;
    }
    utf8proc_int32_t changed = how == UPPER ? utf8proc_toupper((utf8proc_int32_t)c)
                                            : utf8proc_tolower((utf8proc_int32_t)c);
    as_buf_add(b, (as_str){ bytes, as_uc_write(bytes, (uint32_t)changed) });
}

static bool begins_word_after(uint32_t c) /* Jinja's title(): [-\s({\[<] */
{
    return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' ||
           as_uc_class(c) == AS_UC_SPACE;
}

/* The first character of the text, or of every word, in the one case, all others in the other. */
static bool change_case(as_jr *r, as_jv in, word_case first, word_case rest, bool by_word,
                        as_jv *out)
{
    as_str s;
    as_buf b;
    if (!as_jv_text(r, in, &s) || !as_jr_charge(r, s.len))
        return false;
    as_buf_init(&b, AS_JINJA_MEMORY);
    bool is_first = true;
    for (size_t at = 0; at < s.len;) {
        uint32_t c;
        at += as_uc_read(s.data + at, s.len - at, &c);
        put_char(&b, c, is_first ? first : rest);
        is_first = by_word && begins_word_after(c);
    }
    return as_jv_take(r, &b, out);
}

static bool f_upper(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    (void)args;
    return change_case(r, in, UPPER, UPPER, false, out);
}

static bool f_lower(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    (void)args;
    return change_case(r, in, LOWER, LOWER, false, out);
}

static bool f_title(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    (void)args;
    return change_case(r, in, UPPER, LOWER, true, out);
}

static bool f_capitalize(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    (void)args;
    return change_case(r, in, UPPER, LOWER, false, out);
}

static bool f_string(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    as_str s;
    (void)args;
    if (!as_jv_text(r, in, &s))
        return false;
    *out = as_jv_str(s);
    return true;
}

static bool f_trim(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    as_jv text;
    as_jv_function strip = { .name = AS_LIT("strip") };
    if (!f_string(r, in, NULL, &text))
        return false;
    strip.self = text;
    return as_jr_call(r, &strip, args, out);
}

static bool f_replace(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    const as_jv *from = as_jarg(args, 0, "old"), *to = as_jarg(args, 1, "new"),
                *limit = as_jarg(args, 2, "count");
    int64_t most = limit && limit->kind == AS_JV_INT ? limit->of.integer : -1;
    as_str s, old, new;
    as_buf b;
    if (!from || !to)
        return as_jr_fail(r, "replace takes two texts");
    if (!as_jv_text(r, in, &s) || !as_jv_text(r, *from, &old) || !as_jv_text(r, *to, &new) ||
        !as_jr_charge(r, s.len))
        return false;
    if (!old.len)
        return as_jr_fail(r, "replace of an empty text is not implemented");
    as_buf_init(&b, AS_JINJA_MEMORY);
    while (most != 0 && s.len) {
        const char *p = memmem(s.data, s.len, old.data, old.len);
        if (!p)
            break;
        size_t at = (size_t)(p - s.data);
        as_buf_add(&b, (as_str){ s.data, at });
        as_buf_add(&b, new);
        s = (as_str){ p + old.len, s.len - at - old.len };
        most -= most > 0;
    }
    as_buf_add(&b, s);
    return as_jv_take(r, &b, out);
}

static bool f_indent(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    const as_jv *width = as_jarg(args, 0, "width"), *first = as_jarg(args, 1, "first"),
                *blank = as_jarg(args, 2, "blank");
    int n = width && width->kind == AS_JV_INT && width->of.integer >= 0 && width->of.integer <= 64
                ? (int)width->of.integer
                : 4;
    as_str s;
    as_buf b;
    if (width && (width->kind != AS_JV_INT || width->of.integer != n))
        return as_jr_fail(r, "indent: the width is not a number up to 64");
    if (!as_jv_text(r, in, &s) || !as_jr_charge(r, s.len))
        return false;
    as_buf_init(&b, AS_JINJA_MEMORY);
    for (bool is_first = true; s.len || is_first; is_first = false) {
        const char *p = s.len ? memchr(s.data, '\n', s.len) : NULL;
        as_str line = { s.data, p ? (size_t)(p - s.data) : s.len };
        if (!is_first)
            as_buf_byte(&b, '\n');
        if (is_first ? is_set(first) : line.len || is_set(blank))
            as_buf_addf(&b, "%*s", n, "");
        as_buf_add(&b, line);
        s = p ? (as_str){ p + 1, s.len - line.len - 1 } : (as_str){ s.data + s.len, 0 };
        if (p && !s.len) /* a last line that is empty */
            as_buf_byte(&b, '\n');
    }
    return as_jv_take(r, &b, out);
}

/* ---- of any value ---- */

static bool f_same(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    (void)r;
    (void)args;
    *out = in;
    return true;
}

static bool f_default(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    const as_jv *otherwise = as_jarg(args, 0, "default_value"),
                *by_truth = as_jarg(args, 1, "boolean");
    bool is_missing = in.kind == AS_JV_UNDEFINED || (is_set(by_truth) && !as_jv_truth(in));
    (void)r;
    *out = !is_missing ? in : otherwise ? *otherwise : as_jv_str(AS_LIT(""));
    return true;
}

static bool f_length(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    as_jv items;
    (void)args;
    if (in.kind == AS_JV_STRING) {
        *out = as_jv_int((int64_t)as_jv_chars(in.of.string));
        return as_jr_charge(r, in.of.string.len);
    }
    if (in.kind == AS_JV_MAP) {
        *out = as_jv_int((int64_t)in.of.map->n);
        return true;
    }
    if (!as_jv_items(r, in, &items))
        return false;
    *out = as_jv_int((int64_t)items.of.list->n);
    return true;
}

/* ---- of numbers ---- */

static bool f_int(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    const as_jv *otherwise = as_jarg(args, 0, "default");
    unsigned long long v;
    double f;
    (void)r;
    *out = otherwise ? *otherwise : as_jv_int(0);
    if (in.kind == AS_JV_STRING) {
        as_str s = as_str_trim(in.of.string);
        bool is_negative = s.len && s.data[0] == '-';
        if (as_str_u64((as_str){ s.data + is_negative, s.len - is_negative }, &v) && v <= INT64_MAX)
            *out = as_jv_int(is_negative ? -(int64_t)v : (int64_t)v);
        else if (as_str_double(s, &f) && fabs(f) < 9e18)
            *out = as_jv_int((int64_t)f);
    } else if (as_jv_number(in, &f) && fabs(f) < 9e18) {
        *out = in.kind == AS_JV_INT ? in : as_jv_int((int64_t)f);
    }
    return true;
}

static bool f_float(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    const as_jv *otherwise = as_jarg(args, 0, "default");
    double f;
    (void)r;
    *out = otherwise ? *otherwise : as_jv_real(0);
    if (as_jv_number(in, &f) ||
        (in.kind == AS_JV_STRING && as_str_double(as_str_trim(in.of.string), &f)))
        *out = as_jv_real(f);
    return true;
}

static bool f_abs(as_jr *r, as_jv in, const as_jargs *args, as_jv *out)
{
    (void)args;
    *out = in;
    if (in.kind == AS_JV_INT && in.of.integer > INT64_MIN)
        out->of.integer = in.of.integer < 0 ? -in.of.integer : in.of.integer;
    else if (in.kind == AS_JV_FLOAT)
        out->of.real = fabs(in.of.real);
    else
        return as_jr_fail(r, "abs: %s is no number", as_jv_type(in));
    return true;
}

static const struct entry {
    const char *name;
    as_jfilter *apply;
} entries[] = {
    { "abs", f_abs },
    { "capitalize", f_capitalize },
    { "count", f_length },
    { "d", f_default },
    { "default", f_default },
    { "float", f_float },
    { "indent", f_indent },
    { "int", f_int },
    { "length", f_length },
    { "lower", f_lower },
    { "replace", f_replace },
    { "safe", f_same },
    { "string", f_string },
    { "title", f_title },
    { "tojson", as_jv_to_json },
    { "trim", f_trim },
    { "upper", f_upper },
};

static as_jfilter *filter_of(as_str name)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (as_str_is(name, entries[i].name))
            return entries[i].apply;
    return as_jinja_list_filter(name);
}

bool as_jinja_has_filter(as_str name)
{
    return filter_of(name) != NULL;
}

bool as_jr_filter(as_jr *r, as_str name, as_jv in, const as_jargs *args, as_jv *out)
{
    as_jfilter *apply = filter_of(name);
    if (!as_jr_charge(r, 0))
        return false;
    if (!apply)
        return as_jr_fail(r, "the filter \"%.*s\" is not implemented",
                          (int)(name.len < 60 ? name.len : 60), name.data);
    return apply(r, in, args, out);
}
