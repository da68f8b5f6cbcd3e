/* json.c -- cJSON behind a guard: what cJSON would change without a word is refused with one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/jspan.h"
#include "base/mem.h"
#include "base/num.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* cJSON copies numbers into 64 bytes and cuts what does not fit. */
enum { NUMBER_MAX = 63 };

static unsigned hex4(const char *p)
{
    char digits[5] = { p[0], p[1], p[2], p[3], 0 };
    return (unsigned)strtoul(digits, NULL, 16);
}

/* p stands on a backslash of a scanned text. NULL, or what cJSON would not carry through. *len: of
 * the escape. */
static const char *bad_escape(const char *p, const char *end, size_t *len)
{
    *len = 2;
    if (p[1] != 'u')
        return NULL;
    *len = 6;
    unsigned c = hex4(p + 2);
    if (c == 0)
        return "\\u0000 is not allowed here";
    if (c < 0xD800 || c > 0xDFFF)
        return NULL;
    if (c < 0xDC00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        unsigned low = hex4(p + 8);
        *len = 12;
        if (low >= 0xDC00 && low <= 0xDFFF)
            return NULL;
    }
    return "a \\u surrogate without its other half";
}

/* By its digits: 2^53 + 1 as a double is 2^53. A scanned integer has no leading zeros. */
static bool is_beyond_2_53(as_str digits)
{
    static const as_str most = { "9007199254740992", 16 };
    if (digits.data[0] == '-')
        digits = (as_str){ digits.data + 1, digits.len - 1 };
    for (size_t i = 0; i < digits.len; i++)
        if (strchr(".eE", digits.data[i]))
            return false;
    return digits.len > most.len || (digits.len == most.len && as_str_cmp(digits, most) > 0);
}

/* Doubles are written with 15 digits, or 17 where those are too few: so 85555555555555555.5 would
 * come back as an integer that is refused above. Below 2^53 nothing is lost, and from 1e17 on there
 * is an exponent. */
static bool is_printed_as_integer(double v)
{
    char text[32];
    if (fabs(v) <= 9007199254740992.0 || fabs(v) >= 1e17)
        return false;
    as_num_write(text, sizeof text, 15, v);
    return as_num_read(text, NULL) != v;
}

static const char *bad_number(as_str digits)
{
    double v;
    if (digits.len > NUMBER_MAX)
        return "a number of more than 63 characters";
    as_jspan span = { digits, AS_J_NUMBER };
    if (!as_jnumber(span, &v))
        return "a number beyond the range of a double";
    if (is_beyond_2_53(digits) || is_printed_as_integer(v))
        return "an integer beyond 2^53 loses digits; write it as a string";
    return NULL;
}

/* Reads tokens of a scanned text; backslashes occur in strings only, digits outside them begin a
 * number. */
static int check_tokens(as_str text, const char *what, as_err *err)
{
    const char *end = text.data + text.len;
    bool in_string = false;
    size_t step;
    for (const char *p = text.data; p < end; p += step) {
        const char *bad = NULL;
        step = 1;
        if (*p == '"') {
            in_string = !in_string;
        } else if (*p == '\\') {
            bad = bad_escape(p, end, &step);
        } else if (!in_string && (*p == '-' || (*p >= '0' && *p <= '9'))) {
            while (p + step < end && p[step] && strchr("0123456789+-.eE", p[step]))
                step++;
            bad = bad_number((as_str){ p, step });
        }
        if (bad)
            return as_fail(err, AS_EUSAGE, "%s: column %zu: %s", what, (size_t)(p - text.data) + 1,
                           bad);
    }
    return 0;
}

/* ---- walking the tree without recursion ---- */

typedef struct walk {
    cJSON *stack[AS_JSON_DEPTH + 1];
    unsigned n;
} walk;

/* The next container after `node` in document order (node: NULL to start at root); NULL at the end.
 */
static cJSON *next_container(walk *w, cJSON *root, cJSON *node)
{
    cJSON *at = root;
    if (node) {
        w->stack[w->n++] = node;
        at = node->child;
    }
    for (;;) {
        while (at && !cJSON_IsObject(at) && !cJSON_IsArray(at))
            at = at == root ? NULL : at->next;
        if (at)
            return at;
        if (w->n == 0)
            return NULL;
        at = w->stack[--w->n];
        at = at == root ? NULL : at->next;
    }
}

static int by_key(const void *a, const void *b)
{
    const cJSON *const *x = a, *const *y = b;
    return strcmp((*x)->string, (*y)->string);
}

/* The members of an object sorted by key bytes; *n of them; NULL: no memory (or none at all, *n ==
 * 0). */
static cJSON **sorted_members(const cJSON *object, size_t *n)
{
    size_t count = 0;
    for (const cJSON *m = object->child; m; m = m->next)
        count++;
    *n = count;
    cJSON **members = as_realloc_array(NULL, count, sizeof(cJSON *));
    if (!members)
        return NULL;
    count = 0;
    for (cJSON *m = object->child; m; m = m->next)
        members[count++] = m;
    qsort(members, count, sizeof *members, by_key);
    return members;
}

/* Refuses duplicate keys; relinks the members in key order where `sort` is set. */
static int order_members(cJSON *object, bool sort, const char *what, as_err *err)
{
    size_t n;
    AS_CLEANUP(free) cJSON **members = sorted_members(object, &n);
    if (!members)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", what);
    for (size_t i = 1; i < n; i++)
        if (strcmp(members[i - 1]->string, members[i]->string) == 0)
            return as_fail(err, AS_EUSAGE, "%s: duplicate key \"%.80s\"", what, members[i]->string);
    if (!sort || n == 0)
        return 0;
    object->child = members[0];
    for (size_t i = 0; i < n;
         i++) { /* cJSON's list: next ends in NULL, the first one's prev is the last */
        members[i]->next = i + 1 < n ? members[i + 1] : NULL;
        members[i]->prev = members[i > 0 ? i - 1 : n - 1];
    }
    return 0;
}

static cJSON *parse(as_str text, bool sort, const char *what, as_err *err)
{
    as_jspan span;
    as_err why = { 0 };
    if (as_json_scan(text, &span, &why) < 0) {
        as_fail(err, AS_EUSAGE, "%s: not valid JSON: %s", what, why.text);
        return NULL;
    }
    if (check_tokens(text, what, err) < 0)
        return NULL;
    AS_CLEANUP(cjson) cJSON *root = cJSON_ParseWithLength(span.text.data, span.text.len);
    if (!root) {
        as_fail(err, AS_ENOMEM, "%s: out of memory", what);
        return NULL;
    }
    walk w = { .n = 0 };
    for (cJSON *c = next_container(&w, root, NULL); c; c = next_container(&w, root, c))
        if (cJSON_IsObject(c) && order_members(c, sort, what, err) < 0)
            return NULL;
    return AS_STEAL(root);
}

cJSON *as_json_parse(as_str text, const char *what, as_err *err)
{
    return parse(text, false, what, err);
}

static const char *nearest(const char *word, const char *const *known)
{
    const char *best = NULL;
    unsigned least = 3;
    for (; *known; known++) {
        unsigned d = as_str_distance(word, *known, 2);
        if (d < least) {
            least = d;
            best = *known;
        }
    }
    return best;
}

static int unknown_key(const char *key, const char *const *known, const char *what, as_err *err)
{
    as_buf list;
    as_buf_init(&list, 300);
    for (size_t i = 0; known[i]; i++)
        as_buf_addf(&list, "%s%s", i ? ", " : "", known[i]);
    const char *near = nearest(key, known);
    int code = as_fail(err, AS_EUSAGE, "%s: key \"%.60s\" unknown (known: %s)%s%s%s", what, key,
                       list.len ? list.data : "none", near ? "; did you mean \"" : "",
                       near ? near : "", near ? "\"?" : "");
    as_buf_fini(&list);
    return code;
}

int as_json_known_keys(const cJSON *object, const char *const *known, const char *what, as_err *err)
{
    for (const cJSON *m = object ? object->child : NULL; m; m = m->next) {
        size_t i = 0;
        while (known[i] && (!m->string || strcmp(known[i], m->string) != 0))
            i++;
        if (!known[i])
            return unknown_key(m->string ? m->string : "", known, what, err);
    }
    return 0;
}

/* The value itself where it is no container or an empty one, else its bracket. */
static void print_start(const cJSON *node, as_buf *out)
{
    if (cJSON_IsObject(node))
        as_buf_text(out, node->child ? "{" : "{}");
    else if (cJSON_IsArray(node))
        as_buf_text(out, node->child ? "[" : "[]");
    else if (cJSON_IsString(node))
        as_buf_json_str(out, as_str_of(node->valuestring));
    else if (cJSON_IsNumber(node))
        as_buf_json_num(out, node->valuedouble);
    else if (cJSON_IsBool(node))
        as_buf_text(out, cJSON_IsTrue(node) ? "true" : "false");
    else
        as_buf_text(out, "null");
}

/* Not cJSON's printer: it takes doubles that differ in the last bit for equal, and drops that bit.
 */
void as_json_print(const cJSON *root, as_buf *out)
{
    const cJSON *stack[AS_JSON_DEPTH + 1], *node = root;
    unsigned n = 0;
    for (;;) {
        if (n > 0 && node != stack[n - 1]->child)
            as_buf_byte(out, ',');
        if (n > 0 && cJSON_IsObject(stack[n - 1])) {
            as_buf_json_str(out, as_str_of(node->string));
            as_buf_byte(out, ':');
        }
        print_start(node, out);
        if (node->child) {
            stack[n++] = node;
            node = node->child;
            continue;
        }
        while (n > 0 && !node->next) {
            node = stack[--n];
            as_buf_byte(out, cJSON_IsObject(node) ? '}' : ']');
        }
        if (n == 0)
            return;
        node = node->next;
    }
}

int as_json_canonical(as_str text, as_buf *out, as_err *err)
{
    AS_CLEANUP(cjson) cJSON *root = parse(text, true, "configuration", err);
    if (!root)
        return err && err->code ? err->code : AS_EUSAGE;
    as_json_print(root, out);
    return as_buf_check(out, err);
}
