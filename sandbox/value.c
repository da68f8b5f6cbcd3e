/* value.c -- see value.h: the grammar. Values are walked where they lie, never built.
 * SPDX-License-Identifier: Apache-2.0 */
#include "value_inner.h"

#include <string.h>

static bool count(asbx_text v, size_t *at, size_t *out)
{
    size_t n = 0, from = *at;
    while (*at < v.len && v.data[*at] >= '0' && v.data[*at] <= '9' && n < SIZE_MAX / 16)
        n = n * 10 + (size_t)(v.data[(*at)++] - '0');
    *out = n;
    return *at > from;
}

/* The text up to ';', and past it. */
static bool word(asbx_text v, size_t *at, asbx_text *out)
{
    const char *semi = *at < v.len ? memchr(v.data + *at, ';', v.len - *at) : NULL;
    if (!semi)
        return false;
    *out = (asbx_text){ v.data + *at, (size_t)(semi - v.data) - *at };
    *at += out->len + 1;
    return true;
}

static bool real(asbx_text v, size_t *at, asbx_text *out)
{
    double ignored;
    return word(v, at, out) && value_float_of(*out, &ignored);
}

static bool sized(asbx_text v, size_t *at, asbx_text *out)
{
    size_t n;
    if (!count(v, at, &n) || *at >= v.len || v.data[(*at)++] != ':' || n > v.len - *at)
        return false;
    *out = (asbx_text){ v.data + *at, n };
    *at += n;
    return true;
}

bool value_read(asbx_text v, size_t *at, value_head *out)
{
    value_int ignored;
    *out = (value_head){ .n = 0 };
    if (*at >= v.len)
        return false;
    switch (out->kind = v.data[(*at)++]) {
    case 'N':
    case 'T':
    case 'F':
        return true;
    case 'i':
        return word(v, at, &out->text) && value_int_of(out->text, &ignored);
    case 'f':
        return real(v, at, &out->text);
    case 'c':
        return *at < v.len && v.data[(*at)++] == 'f' && real(v, at, &out->text) && *at < v.len &&
               v.data[(*at)++] == 'f' && real(v, at, &out->text2);
    case 's':
    case 'b':
    case '?':
        return sized(v, at, &out->text);
    case '[':
    case '(':
    case '{':
    case '<':
    case '>':
        return count(v, at, &out->n) && out->n <= v.len - *at; /* an element is a byte at least */
    default:
        return false;
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
bool value_skip(asbx_text v, size_t *at, unsigned depth)
{
    value_head h;
    if (depth > ASBX_VALUE_DEPTH + 1 || !value_read(v, at, &h))
        return false;
    for (size_t i = 0; i < (h.kind == '{' ? 2 * h.n : h.n); i++)
        if (!value_skip(v, at, depth + 1))
            return false;
    return true;
}

bool asbx_value_valid(asbx_text v)
{
    size_t at = 0;
    return value_skip(v, &at, 0) && at == v.len;
}
