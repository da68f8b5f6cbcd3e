/* units_compare.c -- two canonical names of units: the same, a factor apart, or different. See
 * units.h. SPDX-License-Identifier: Apache-2.0 */
#include "math/units.h"
#include "math/units_table.h"

enum { MAX_FACTORS = 8, MAX_POWER = 99 };

/* A name taken apart. Things (apples) are counted, not kept. */
typedef struct measure {
    const unit_def *defs[MAX_FACTORS];
    int e10[MAX_FACTORS], powers[MAX_FACTORS];
    uint32_t n;
    int si[UNIT_SI], other[OTHER_COUNT];
    bool half_day, is_pm;
} measure;

static int read_int(assay_str s)
{
    bool negative = s.len && s.data[0] == '-';
    int value = 0;
    for (size_t k = negative; k < s.len && pc_is_digit(s.data[k]) && value <= MAX_POWER; k++)
        value = value * 10 + (s.data[k] - '0');
    return negative ? -value : value;
}

static void add_part(measure *m, assay_str part, int sign)
{
    size_t caret = pc_find(part, "^", 0);
    int e10 = 0, power = caret == PC_NONE ? 1 : read_int(pc_from(part, caret + 1));
    size_t rest = 0;
    assay_str name = pc_slice(part, 0, caret == PC_NONE ? part.len : caret);
    const unit_def *def = unit_symbol(name, &e10, &rest);
    bool takes_prefix = false;
    const char *alias = def ? NULL : unit_word(name, &takes_prefix); /* the sign of the rupee */
    if (alias)
        def = unit_symbol((assay_str){ alias, strlen(alias) }, &e10, &rest);
    if (!def || m->n >= MAX_FACTORS || power > MAX_POWER || power < -MAX_POWER)
        return; /* a thing */
    power *= sign;
    m->defs[m->n] = def;
    m->e10[m->n] = e10;
    m->powers[m->n++] = power;
    for (unsigned k = 0; k < UNIT_SI; k++)
        m->si[k] += def->si[k] * power;
    if (def->other)
        m->other[def->other] += power;
}

static measure take_apart(assay_str name)
{
    measure m = { .n = 0 };
    m.half_day = pc_is(name, "am") || pc_is(name, "pm");
    m.is_pm = pc_is(name, "pm");
    int sign = 1;
    for (size_t from = 0, k = 0; k <= name.len && !m.half_day; k++) {
        if (k < name.len && name.data[k] != '/' && name.data[k] != '*')
            continue;
        if (k > from)
            add_part(&m, pc_slice(name, from, k), sign);
        sign = k < name.len && name.data[k] == '/' ? -1 : 1;
        from = k + 1;
    }
    return m;
}

static bool same_dimension(const measure *a, const measure *b)
{
    return memcmp(a->si, b->si, sizeof a->si) == 0 &&
           memcmp(a->other, b->other, sizeof a->other) == 0;
}

static bool is_one(const measure *m, const char *symbol)
{
    return m->n == 1 && m->powers[0] == 1 && m->e10[0] == 0 &&
           strcmp(m->defs[0]->symbol, symbol) == 0;
}

/* Words with two meanings. */
static bool may_be_meant(const measure *a, const measure *b)
{
    static const char *const pairs[][2] = {
        { "lb", "\xC2\xA3" }, { "deg", "degC" },     { "deg", "degF" },      { "C", "degC" },
        { "F", "degF" },      { "\xC2\xA5", "yen" }, { "\xC2\xA5", "yuan" },
    };
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        if ((is_one(a, pairs[k][0]) && is_one(b, pairs[k][1])) ||
            (is_one(a, pairs[k][1]) && is_one(b, pairs[k][0])))
            return true;
    return false;
}

static bool is_metric_mass(const measure *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (strcmp(m->defs[i]->symbol, "g") == 0 || strcmp(m->defs[i]->symbol, "t") == 0)
            return true;
    return false;
}

static void multiply(fmpq_t product, const measure *m, int sign, bool metric_ton)
{
    fmpq_t one, power;
    fmpq_init(one);
    fmpq_init(power);
    for (uint32_t i = 0; i < m->n; i++) {
        const unit_def *def = m->defs[i];
        bool ton = metric_ton && strcmp(def->symbol, "ton") == 0;
        int e10 = (ton ? 6 : def->e10) + m->e10[i];
        fmpz_set_si(fmpq_numref(one), ton ? 1 : (slong)def->num);
        fmpz_set_si(fmpq_denref(one), def->den);
        fmpq_canonicalise(one);
        fmpq_set_si(power, 10, 1);
        fmpq_pow_si(power, power, e10);
        fmpq_mul(one, one, power);
        fmpq_pow_si(one, one, (slong)sign * m->powers[i]);
        fmpq_mul(product, product, one);
    }
    fmpq_clear(one);
    fmpq_clear(power);
}

static bool has_word(assay_str b, assay_str word)
{
    for (size_t at = 0, i = 0; i <= b.len; i++) {
        if (i < b.len && !pc_in(b.data[i], " /*"))
            continue;
        if (pc_eq(word, pc_slice(b, at, i)))
            return true;
        at = i + 1;
    }
    return false;
}

/* Are all words of a among those of b? "apple" and "red apple" may be the same things, "apple" and
 * "pear" are not. */
static bool is_part_of(assay_str a, assay_str b)
{
    for (size_t from = 0, k = 0; k <= a.len; k++) {
        if (k < a.len && !pc_in(a.data[k], " /*"))
            continue;
        if (k > from && !has_word(b, pc_slice(a, from, k)))
            return false;
        from = k + 1;
    }
    return true;
}

math_unit_relation math_unit_compare(assay_str a, assay_str b, fmpq_t factor)
{
    fmpq_one(factor);
    if (pc_eq(a, b))
        return UNITS_SAME;
    measure x = take_apart(a), y = take_apart(b);
    if (x.half_day && y.half_day)
        return x.is_pm == y.is_pm ? UNITS_SAME : UNITS_DIFFERENT;
    if (x.n == 0 && y.n == 0 && a.len && b.len && !x.half_day && !y.half_day)
        return is_part_of(a, b) || is_part_of(b, a) ? UNITS_SAME : UNITS_DIFFERENT;
    if ((x.n == 0 && !(x.half_day && y.n)) || (y.n == 0 && !(y.half_day && x.n)) ||
        x.other[OTHER_NOTHING] || y.other[OTHER_NOTHING])
        return UNITS_SAME;
    if (x.half_day || y.half_day)
        return UNITS_DIFFERENT;
    if (!same_dimension(&x, &y))
        return may_be_meant(&x, &y) ? UNITS_SAME : UNITS_DIFFERENT;
    multiply(factor, &x, 1, is_metric_mass(&y));
    multiply(factor, &y, -1, is_metric_mass(&x));
    return fmpq_is_one(factor) ? UNITS_SAME : UNITS_FACTOR;
}
