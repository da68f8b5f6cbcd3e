/* value_equal.c -- Python's == over two values, without building them. What has no order is put in
 * order by a keyed hash of what its elements are worth, so that a program cannot make comparing
 * slow by choosing them. SPDX-License-Identifier: Apache-2.0 */
#include "value_inner.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

__extension__ typedef unsigned __int128 wide;

/* ---- the hash ---- */

static uint64_t key[2] = { UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0x2545f4914f6cdd1d) };
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    (void)!getrandom(key, sizeof key,
                     GRND_NONBLOCK); /* else the constants: equal is equal anyway */
    key[0] |= 1;
    key[1] = (key[1] >> 3) | (UINT64_C(1) << 60) | 1; /* a modulus for numbers */
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    wide product = (wide)(a ^ key[0]) * (b ^ UINT64_C(0xa0761d6478bd642f));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_bytes(asbx_text t, uint64_t h)
{
    uint64_t w;
    h = mix(h, t.len);
    for (; t.len >= sizeof w; t.data += sizeof w, t.len -= sizeof w) {
        memcpy(&w, t.data, sizeof w);
        h = mix(h, w);
    }
    w = 0;
    if (t.len)
        memcpy(&w, t.data, t.len);
    return mix(h, w);
}

/* What is equal has one hash: 1, 1.0 and True. */
static uint64_t hash_double(double d)
{
    uint64_t bits;
    if (isfinite(d) && d == trunc(d))
        return mix(value_double_residue(d, key[1]), d < 0);
    memcpy(&bits, &d, sizeof bits);
    return mix(bits, 2);
}

static uint64_t hash_int(asbx_text t)
{
    value_int i;
    (void)value_int_of(t, &i);
    return mix(value_int_residue(&i, key[1]), i.negative);
}

static bool hash_complex(const value_head *h, uint64_t *out)
{
    double re = 0, im = 0;
    (void)value_float_of(h->text, &re);
    (void)value_float_of(h->text2, &im);
    *out = im == 0 ? hash_double(re) : mix(hash_double(re), hash_double(im));
    return re == re && im == im;
}

static bool hash(asbx_text v, size_t *at, uint64_t *out);

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool hash_elements(asbx_text v, size_t *at, const value_head *h, uint64_t *out)
{
    bool ordered = h->kind == '[' || h->kind == '(';
    uint64_t sum = h->n, one, value = 0;
    for (size_t i = 0; i < h->n; i++) {
        if (!hash(v, at, &one) || (h->kind == '{' && !hash(v, at, &value)))
            return false;
        sum = ordered ? mix(sum, one) : sum + mix(mix(one, 7), value);
    }
    *out = mix(sum, ordered ? 3 : h->kind == '{' ? 4 : 5);
    return true;
}

/* False: there is something in it that equals nothing (NaN, a value of another type), so that it
 * equals nothing itself. NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool hash(asbx_text v, size_t *at, uint64_t *out)
{
    value_head h;
    double d = 0;
    if (!value_read(v, at, &h))
        return false;
    switch (h.kind) {
    case 'N':
        *out = mix(6, 6);
        return true;
    case 'T':
    case 'F':
        *out = hash_double(h.kind == 'T');
        return true;
    case 'i':
        *out = hash_int(h.text);
        return true;
    case 'f':
        (void)value_float_of(h.text, &d);
        *out = hash_double(d);
        return d == d;
    case 'c':
        return hash_complex(&h, out);
    case 's':
    case 'b':
        *out = hash_bytes(h.text, (uint64_t)h.kind);
        return true;
    case '?':
        return false;
    default:
        return hash_elements(v, at, &h, out);
    }
}

/* ---- numbers ---- */

typedef struct compare {
    asbx_tolerance t;
    asbx_text want, got;
    size_t w, g;   /* where each is */
    size_t differ; /* in got: the last place looked at */
    size_t steps;  /* left for what cannot be put in order */
    bool exact;    /* no tolerance: keys */
    bool no_memory;
} compare;

enum { MOST_STEPS = 1 << 22 };

static bool is_number(char kind)
{
    return kind == 'i' || kind == 'f' || kind == 'c' || kind == 'T' || kind == 'F';
}

static bool near(const compare *c, double want, double got)
{
    return !c->exact && isfinite(want) && isfinite(got) &&
           fabs(got - want) <= c->t.absolute + c->t.relative * fabs(want);
}

typedef struct number {
    bool whole, complex; /* whole: an integer */
    value_int i;
    double re, im;
} number;

static number number_of(const value_head *h)
{
    static const asbx_text one = { "1", 1 }, zero = { "0", 1 };
    number n = { .whole = h->kind != 'f' && h->kind != 'c', .complex = h->kind == 'c' };
    if (n.whole) {
        (void)value_int_of(h->kind == 'i' ? h->text : h->kind == 'T' ? one : zero, &n.i);
        n.re = value_int_double(&n.i);
        return n;
    }
    (void)value_float_of(h->text, &n.re);
    if (n.complex)
        (void)value_float_of(h->text2, &n.im);
    return n;
}

/* Real parts: exactly, an integer of any size against a float too; or near. */
static bool reals_equal(const compare *c, const number *want, const number *got)
{
    if (want->whole && got->whole)
        return value_int_equal(&want->i, &got->i);
    bool same = want->whole  ? value_int_is(&want->i, got->re)
                : got->whole ? value_int_is(&got->i, want->re)
                             : want->re == got->re;
    return same || near(c, want->re, got->re);
}

static bool numbers_equal(const compare *c, const value_head *want, const value_head *got)
{
    if (!c->t.int_is_float && want->kind != got->kind)
        return false;
    number a = number_of(want), b = number_of(got);
    if (!a.complex && !b.complex)
        return reals_equal(c, &a, &b);
    if (a.im == b.im && reals_equal(c, &a, &b))
        return true;
    if (c->exact || !isfinite(a.re) || !isfinite(a.im) || !isfinite(b.re) || !isfinite(b.im))
        return false;
    double distance = hypot(b.re - a.re, b.im - a.im); /* of NaN: NaN */
    double most = c->t.absolute + c->t.relative * hypot(a.re, a.im);
    return most > 0 && distance <= most;
}

/* ---- what has no order ---- */

typedef struct element {
    uint64_t hash;
    double value; /* of a real number */
    size_t at;    /* SIZE_MAX: it has its partner */
} element;

typedef struct elements {
    element *at;
    size_t n, end; /* end: behind the container */
} elements;

static int by_hash(const void *a, const void *b)
{
    const element *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static int by_value(const void *a, const void *b)
{
    const element *x = a, *y = b;
    int order = (x->value > y->value) - (x->value < y->value);
    return order ? order : by_hash(a, b);
}

/* By the hashes of its elements or keys. False: something in it equals nothing, or no memory. */
static bool index_of(compare *c, asbx_text v, size_t at, const value_head *h, elements *out)
{
    uint64_t ignored;
    out->n = h->n;
    out->at = calloc(h->n + !h->n, sizeof *out->at);
    c->no_memory = c->no_memory || !out->at;
    for (size_t i = 0; out->at && i < h->n; i++) {
        out->at[i].at = at;
        if (!hash(v, &at, &out->at[i].hash) || (h->kind == '{' && !hash(v, &at, &ignored)))
            return false;
    }
    out->end = at;
    return out->at != NULL;
}

static bool equal(compare *c);

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool equal_at(compare *c, size_t w, size_t g, bool exact)
{
    bool before = c->exact;
    c->w = w;
    c->g = g;
    c->exact = exact;
    bool is = equal(c);
    c->exact = before;
    return is;
}

/* Sorted by hash: each of `want` has a partner of its own. The inner loop goes on only where two
 * different elements have one hash. NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool partners(compare *c, elements *want, elements *got, bool is_dict)
{
    for (size_t i = 0; i < want->n; i++) {
        const element *a = &want->at[i];
        size_t j = i;
        while (j < got->n && got->at[j].hash == a->hash &&
               !equal_at(c, a->at, got->at[j].at, c->exact || is_dict))
            j++;
        if (j == got->n || got->at[j].hash != a->hash) {
            c->differ = got->at[i].at;
            return false;
        }
        size_t value = c->g;
        element found = got->at[j];
        got->at[j] = got->at[i];
        got->at[i] = found;
        if (is_dict && !equal_at(c, c->w, value, c->exact))
            return false;
    }
    return true;
}

/* ---- sets with a tolerance ---- */

/* Real numbers to the front, in order of their values; how many. */
static size_t reals_first(const compare *c, asbx_text v, elements *e)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++) {
        value_head h;
        size_t at = e->at[i].at;
        (void)value_read(v, &at, &h);
        if (h.kind != 'f' && (!c->t.int_is_float || !is_number(h.kind)))
            continue;
        number x = number_of(&h);
        if (x.complex && x.im != 0)
            continue;
        element real = e->at[i];
        real.value = x.re;
        e->at[i] = e->at[n];
        e->at[n++] = real;
    }
    qsort(e->at, n, sizeof *e->at, by_value);
    qsort(e->at + n, e->n - n, sizeof *e->at, by_hash);
    return n;
}

/* Takes out of both what has an exact partner: tuples of integers, texts.
 * NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static void drop_partners(compare *c, elements *want, elements *got, size_t from)
{
    for (size_t i = from, j = from; i < want->n && j < got->n;) {
        int order = by_hash(&want->at[i], &got->at[j]);
        if (order == 0 && equal_at(c, want->at[i].at, got->at[j].at, true))
            want->at[i].at = got->at[j].at = SIZE_MAX;
        i += order <= 0;
        j += order >= 0;
    }
}

/* The first that fits. NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool take_near(compare *c, size_t want, elements *got, size_t from)
{
    for (size_t j = from; j < got->n && c->steps > 0; j++) {
        if (got->at[j].at == SIZE_MAX)
            continue;
        c->steps--;
        if (!equal_at(c, want, got->at[j].at, false))
            continue;
        got->at[j].at = SIZE_MAX;
        return true;
    }
    return false;
}

/* Where a tolerance is asked for: numbers in order of their values are compared one by one, which
 * finds partners wherever there are any; other elements as they are, else the first that fits.
 * NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool near_sets(compare *c, elements *want, elements *got)
{
    size_t n = reals_first(c, c->want, want);
    if (n != reals_first(c, c->got, got))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!equal_at(c, want->at[i].at, got->at[i].at, false))
            return false;
    drop_partners(c, want, got, n);
    for (size_t i = n; i < want->n; i++)
        if (want->at[i].at != SIZE_MAX && !take_near(c, want->at[i].at, got, n))
            return false;
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool unordered_equal(compare *c, const value_head *a, const value_head *b)
{
    elements want = { .n = 0 }, got = { .n = 0 };
    size_t place = c->g;
    bool is =
        a->n == b->n && index_of(c, c->want, c->w, a, &want) && index_of(c, c->got, c->g, b, &got);
    if (is && !c->exact && a->kind != '{') {
        is = near_sets(c, &want, &got);
    } else if (is) {
        qsort(want.at, want.n, sizeof *want.at, by_hash);
        qsort(got.at, got.n, sizeof *got.at, by_hash);
        is = partners(c, &want, &got, a->kind == '{');
    } else {
        c->differ = place;
    }
    c->w = want.end;
    c->g = got.end;
    free(want.at);
    free(got.at);
    return is;
}

/* ---- any two ---- */

static bool same_text(asbx_text a, asbx_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool same_kind(const compare *c, char *a, char *b)
{
    if (*a == '>')
        *a = '<';
    if (*b == '>')
        *b = '<';
    if (c->t.list_is_tuple && (*a == '[' || *a == '(') && (*b == '[' || *b == '('))
        return true;
    return *a == *b;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool heads_equal(compare *c, value_head *a, value_head *b)
{
    if (is_number(a->kind) && is_number(b->kind))
        return numbers_equal(c, a, b);
    if (!same_kind(c, &a->kind, &b->kind))
        return false;
    switch (a->kind) {
    case 'N':
        return true;
    case 's':
    case 'b':
        return same_text(a->text, b->text);
    case '{':
    case '<':
        return unordered_equal(c, a, b);
    case '[':
    case '(':
        if (a->n != b->n)
            return false;
        for (size_t i = 0; i < a->n; i++)
            if (!equal(c))
                return false;
        return true;
    default:
        return false; /* of another type: it equals nothing */
    }
}

/* Past both, where they are equal; else c->differ is the last place looked at.
 * NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool equal(compare *c)
{
    value_head a, b;
    c->differ = c->g;
    return value_read(c->want, &c->w, &a) && value_read(c->got, &c->g, &b) &&
           heads_equal(c, &a, &b);
}

int asbx_value_compare(asbx_text want, asbx_text got, const asbx_tolerance *tolerance,
                       size_t *where)
{
    static const asbx_tolerance exact = { 0 };
    compare c = {
        .t = tolerance ? *tolerance : exact, .want = want, .got = got, .steps = MOST_STEPS
    };
    c.exact = !(c.t.relative > 0 || c.t.absolute > 0);
    (void)pthread_once(&key_once, make_key);
    bool is = equal(&c);
    if (where)
        *where = is ? got.len : c.differ;
    return c.no_memory ? -1 : is;
}

bool asbx_value_equal(asbx_text want, asbx_text got, const asbx_tolerance *tolerance, size_t *where)
{
    return asbx_value_compare(want, got, tolerance, where) == 1;
}
