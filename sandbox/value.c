/* value.c -- see value.h: checks, compares and prints values without building them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- walking ---- */

static bool count(asbx_text v, size_t *at, size_t *out)
{
    size_t n = 0, from = *at;
    while (*at < v.len && v.data[*at] >= '0' && v.data[*at] <= '9' && n < SIZE_MAX / 16)
        n = n * 10 + (size_t)(v.data[(*at)++] - '0');
    *out = n;
    return *at > from;
}

static bool to_semicolon(asbx_text v, size_t *at)
{
    const char *semi = *at < v.len ? memchr(v.data + *at, ';', v.len - *at) : NULL;
    if (!semi || semi == v.data + *at)
        return false;
    *at = (size_t)(semi - v.data) + 1;
    return true;
}

/* Past one value; false: it is none. NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool skip(asbx_text v, size_t *at, unsigned depth)
{
    size_t n;
    if (*at >= v.len || depth > ASBX_VALUE_DEPTH + 1)
        return false;
    char kind = v.data[(*at)++];
    switch (kind) {
    case 'N':
    case 'T':
    case 'F':
        return true;
    case 'i':
    case 'f':
        return to_semicolon(v, at);
    case 'c':
        return *at < v.len && v.data[(*at)++] == 'f' && to_semicolon(v, at) && *at < v.len &&
               v.data[(*at)++] == 'f' && to_semicolon(v, at);
    case 's':
    case 'b':
    case '?':
        if (!count(v, at, &n) || *at >= v.len || v.data[(*at)++] != ':' || n > v.len - *at)
            return false;
        *at += n;
        return true;
    case '[':
    case '(':
    case '{':
    case '<':
    case '>':
        if (!count(v, at, &n) || n > v.len)
            return false;
        for (size_t i = 0; i < (kind == '{' ? 2 * n : n); i++)
            if (!skip(v, at, depth + 1))
                return false;
        return true;
    default:
        return false;
    }
}

bool asbx_value_valid(asbx_text v)
{
    size_t at = 0;
    return skip(v, &at, 0) && at == v.len;
}
