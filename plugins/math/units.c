/* units.c -- names of units: words to a product of powers, and that as a canonical text. See
 * units.h.
 *
 * Words become items (words, powers, operators), items become factors. One pass each, bounded by
 * MAX_BYTES and MAX_ITEMS. SPDX-License-Identifier: Apache-2.0 */
#include "math/units.h"

#include "math/units_table.h"
#include "math/units_words.h"

enum { MAX_BYTES = 160, MAX_ITEMS = 24, MAX_FACTORS = 8, MAX_POWER = 9, MAX_NESTING = 4 };

typedef enum item_kind {
    I_WORD,
    I_POWER,
    I_TIMES,
    I_PER,
    I_OPEN,
    I_CLOSE,
    I_FRAC,
    I_END
} item_kind;

typedef struct item {
    item_kind kind;
    int power;
    uint16_t at, len, close; /* text in reader.words; of an opening bracket, where it closes */
    bool brace;
} item;

/* Text to items. */
typedef struct reader {
    assay_str in;
    size_t at;
    char words[MAX_BYTES + 16];
    size_t used;
    item items[MAX_ITEMS + 1];
    uint32_t n;
    bool micro; /* \mu stood before the next word */
} reader;

typedef struct factor {
    char name[UNIT_WORD];
    uint8_t len;
    bool noun;
    int8_t power;
    uint8_t group; /* words side by side without an operator */
} factor;

typedef struct product {
    factor list[MAX_FACTORS];
    uint32_t n;
    uint8_t group;
} product;

/* ---- text to items ---- */
static bool add_item(reader *r, item_kind kind, int power)
{
    if (r->n >= MAX_ITEMS)
        return false;
    r->items[r->n++] = (item){ .kind = kind, .power = power };
    return true;
}

static assay_str item_text(const reader *r, const item *it)
{
    return (assay_str){ r->words + it->at, it->len };
}

static bool add_word(reader *r, assay_str word)
{
    size_t extra = r->micro;
    if (word.len == 0 || word.len + extra >= UNIT_WORD ||
        r->used + word.len + extra > sizeof r->words || !add_item(r, I_WORD, 1))
        return false;
    item *it = &r->items[r->n - 1];
    it->at = (uint16_t)r->used;
    it->len = (uint16_t)(word.len + extra);
    if (r->micro)
        r->words[r->used++] = 'u';
    r->micro = false;
    memcpy(r->words + r->used, word.data, word.len);
    r->used += word.len;
    return true;
}

static bool take(reader *r, const char *text)
{
    if (!pc_starts(pc_from(r->in, r->at), text))
        return false;
    r->at += strlen(text);
    return true;
}

static bool is_letter(char c)
{
    return pc_is_alpha(c) || (unsigned char)c >= 0x80;
}

static bool is_any(reader *r, const char *const *list, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (take(r, list[k]))
            return true;
    return false;
}
#define TAKE_ANY(r, list) is_any((r), (list), sizeof(list) / sizeof *(list))

/* What follows a caret, or a digit right after a word ("m2"): a small whole number, in braces or
 * not. */
static bool read_power(reader *r)
{
    bool brace = take(r, "{"), negative = false;
    while (r->at < r->in.len && pc_in(r->in.data[r->at], " +-")) {
        negative = negative || r->in.data[r->at] == '-';
        r->at++;
    }
    if (r->at >= r->in.len || !pc_is_digit(r->in.data[r->at]))
        return false;
    int power = r->in.data[r->at++] - '0';
    while (brace && take(r, " "))
        ;
    if (power == 0 || (r->at < r->in.len && pc_is_digit(r->in.data[r->at])) ||
        (brace && !take(r, "}")))
        return false;
    return add_item(r, I_POWER, negative ? -power : power);
}

/* A word with points in it: "a.m." and "sq." lose them, "kg.m" is a product. */
static bool add_dotted(reader *r, assay_str word)
{
    char plain[UNIT_WORD];
    size_t n = 0, dots = 0;
    bool ends_in_dot = word.data[word.len - 1] == '.';
    for (size_t k = 0; k < word.len; k++) {
        if (word.data[k] == '.')
            dots++;
        else if (n < sizeof plain)
            plain[n++] = word.data[k];
    }
    if (n == 0 || n >= sizeof plain)
        return false;
    if (dots == (ends_in_dot ? 1 : 0) || ends_in_dot)
        return add_word(r, (assay_str){ plain, n });
    for (size_t from = 0, k = 0; k <= word.len; k++)
        if (k == word.len || word.data[k] == '.') {
            if ((from && !add_item(r, I_TIMES, 0)) || !add_word(r, pc_slice(word, from, k)))
                return false;
            from = k + 1;
        }
    return true;
}

/* A sign of more than one byte that ends a word: powers, products, degrees. */
static bool is_sign(const reader *r)
{
    static const char *const signs[] = {
        "\xC2\xB2",     "\xC2\xB3",     "\xC2\xB7",     "\xC3\x97",
        "\xE2\x8B\x85", "\xE2\x81\xBB", "\xE2\x88\x98", "\xC2\xB0"
    };
    for (size_t k = 0; k < sizeof signs / sizeof *signs; k++)
        if (pc_starts(pc_from(r->in, r->at), signs[k]))
            return true;
    return false;
}

static bool read_word(reader *r)
{
    size_t from = r->at;
    if (take(r, "\xC2\xB5") || take(r, "\xCE\xBC")) { /* the micro sign, and mu */
        r->micro = true;
        return r->at < r->in.len && is_letter(r->in.data[r->at]);
    }
    while (r->at < r->in.len && (is_letter(r->in.data[r->at]) || pc_in(r->in.data[r->at], ".'")) &&
           !is_sign(r))
        r->at++;
    if (!add_dotted(r, pc_slice(r->in, from, r->at)))
        return false;
    if (r->at < r->in.len && pc_is_digit(r->in.data[r->at])) /* m2, cm3 */
        return read_power(r);
    return true;
}

static bool read_command(reader *r)
{
    static const char *const nothing[] = { "\\text", "\\mathrm", "\\mbox", "\\rm", "\\operatorname",
                                           "\\left", "\\right",  "\\quad", "\\,",  "\\;",
                                           "\\:",    "\\!",      "\\ " };
    static const char *const times[] = { "\\cdot", "\\times" };
    static const char *const degree[] = { "\\circ", "\\degree" };
    static const char *const frac[] = { "\\frac", "\\dfrac", "\\tfrac" };
    if (TAKE_ANY(r, times))
        return add_item(r, I_TIMES, 0);
    if (take(r, "\\textrm") || TAKE_ANY(r, nothing))
        return true;
    if (TAKE_ANY(r, degree))
        return add_word(r, PC_LIT("deg"));
    if (TAKE_ANY(r, frac))
        return add_item(r, I_FRAC, 0);
    if (take(r, "\\$"))
        return add_word(r, PC_LIT("$"));
    if (take(r, "\\Omega"))
        return add_word(r, PC_LIT("ohm"));
    if (take(r, "\\pounds"))
        return add_word(r, PC_LIT("GBP"));
    r->micro = take(r, "\\mu");
    return r->micro;
}

static bool read_mark(reader *r)
{
    static const char *const times[] = { "\xC2\xB7", "\xC3\x97", "\xE2\x8B\x85", "*" };
    static const char *const degree[] = { "^\\circ", "^{\\circ}", "^\xE2\x88\x98", "\xE2\x88\x98",
                                          "\xC2\xB0" };
    bool minus = take(r, "\xE2\x81\xBB");
    if (take(r, "\xC2\xB2"))
        return add_item(r, I_POWER, minus ? -2 : 2);
    if (take(r, "\xC2\xB3"))
        return add_item(r, I_POWER, minus ? -3 : 3);
    if (minus)
        return take(r, "\xC2\xB9") && add_item(r, I_POWER, -1);
    if (TAKE_ANY(r, degree))
        return add_word(r, PC_LIT("deg"));
    if (take(r, "**") || take(r, "^"))
        return read_power(r);
    if (TAKE_ANY(r, times))
        return add_item(r, I_TIMES, 0);
    if (take(r, "/"))
        return add_item(r, I_PER, 0);
    if (take(r, "$"))
        return add_word(r, PC_LIT("$"));
    if (take(r, "-")) /* foot-pounds, kilowatt-hours */
        return r->n > 0 && r->items[r->n - 1].kind == I_WORD && r->at < r->in.len &&
               is_letter(r->in.data[r->at]) && add_item(r, I_TIMES, 1);
    char c = r->in.data[r->at++];
    if (!pc_in(c, "({)}"))
        return false;
    bool opens = c == '(' || c == '{';
    bool ok = add_item(r, opens ? I_OPEN : I_CLOSE, 0);
    if (ok)
        r->items[r->n - 1].brace = c == '{' || c == '}';
    return ok;
}

static bool starts_word(const reader *r)
{
    char c = r->in.data[r->at];
    return (unsigned char)c < 0x80 ? pc_is_alpha(c) : !is_sign(r);
}

static bool read_items(reader *r)
{
    while (r->at < r->in.len) {
        char c = r->in.data[r->at];
        bool ok = true;
        if (pc_is_space(c) || c == '~')
            r->at++;
        else if (c == '\\')
            ok = read_command(r);
        else if (starts_word(r))
            ok = read_word(r);
        else
            ok = read_mark(r);
        if (!ok)
            return false;
    }
    r->items[r->n] = (item){ .kind = I_END };
    return !r->micro;
}

/* Brackets must pair; each opening one learns where it closes. */
static bool match_brackets(reader *r)
{
    uint32_t open[MAX_NESTING], depth = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->items[i].kind == I_OPEN) {
            if (depth == MAX_NESTING)
                return false;
            open[depth++] = i;
        } else if (r->items[i].kind == I_CLOSE) {
            if (depth == 0 || r->items[open[depth - 1]].brace != r->items[i].brace)
                return false;
            r->items[open[--depth]].close = (uint16_t)i;
        }
    }
    return depth == 0;
}

/* Braces only matter to a fraction: elsewhere they go, \text{m s}^2 is m s^2. */
static void drop_braces(reader *r)
{
    bool keep[MAX_ITEMS + 1] = { false };
    uint32_t n = 0, moved[MAX_ITEMS + 1];
    for (uint32_t i = 0; i < r->n; i++) {
        const item *it = &r->items[i];
        bool after_frac = i > 0 && r->items[i - 1].kind == I_FRAC;
        if (it->kind == I_OPEN && after_frac) {
            uint32_t below = it->close + 1u;
            keep[i] = keep[it->close] = true;
            if (below < r->n && r->items[below].kind == I_OPEN)
                keep[below] = keep[r->items[below].close] = true;
        }
        moved[i] = n;
        n += keep[i] || !it->brace;
    }
    for (uint32_t i = 0; i < r->n; i++) {
        item it = r->items[i];
        if (it.brace && !keep[i])
            continue;
        if (it.kind == I_OPEN)
            it.close = (uint16_t)moved[it.close];
        r->items[moved[i]] = it;
    }
    r->n = n;
    r->items[n] = (item){ .kind = I_END };
}

/* ---- one word ---- */
typedef struct small {
    char data[UNIT_WORD];
    size_t len;
} small;

static bool set_small(small *out, const char *a, size_t na, const char *b, size_t nb)
{
    if (na + nb >= sizeof out->data)
        return false;
    memcpy(out->data, a, na);
    memcpy(out->data + na, b, nb);
    out->len = na + nb;
    return true;
}

static bool known_word(assay_str lower, small *out)
{
    bool takes_prefix = false;
    const char *name = unit_word(lower, &takes_prefix);
    if (name)
        return set_small(out, name, strlen(name), "", 0);
    size_t skip = 0;
    const char *prefix = unit_prefix_word(lower, &skip);
    name = prefix ? unit_word(pc_from(lower, skip), &takes_prefix) : NULL;
    return name && takes_prefix && set_small(out, prefix, strlen(prefix), name, strlen(name));
}

/* A symbol as written, or a name in any case, singular or plural: "km", "KM", "Kilometres". */
static bool measure(assay_str word, small *out)
{
    int e10 = 0;
    size_t rest = 0;
    if (word.len == 0 || word.len >= UNIT_WORD)
        return false;
    if (unit_symbol(word, &e10, &rest))
        return set_small(out, word.data, word.len, "", 0);
    if (word.len == 2 && word.data[0] == 'K' && word.data[1] == 'B')
        return set_small(out, "kB", 2, "", 0);
    char lower[UNIT_WORD];
    for (size_t k = 0; k < word.len; k++)
        lower[k] = pc_lower(word.data[k]);
    if (word.len == 1) /* K and k, M and m are not the same */
        lower[0] = word.data[0];
    if (known_word((assay_str){ lower, word.len }, out))
        return true;
    size_t n = unit_singular(lower, word.len);
    if (n == 3 && lower[2] == 's' && !pc_in(lower[1], "aeiou")) /* hrs, lbs; not has */
        n--;
    return n != word.len && known_word((assay_str){ lower, n }, out);
}

/* ---- items to factors ---- */
static bool add_factor(product *p, assay_str name, int power, bool noun)
{
    if (p->n >= MAX_FACTORS || name.len >= UNIT_WORD || power > MAX_POWER || power < -MAX_POWER)
        return false;
    factor *f = &p->list[p->n++];
    memcpy(f->name, name.data, name.len);
    f->len = (uint8_t)name.len;
    f->noun = noun;
    f->power = (int8_t)power;
    f->group = p->group;
    return true;
}

/* A canonical name may be a product itself: mph is mi/h, cc is cm^3. */
static bool add_measure(product *p, assay_str name, int power)
{
    int sign = 1;
    for (size_t from = 0, k = 0; k <= name.len; k++) {
        if (k < name.len && name.data[k] != '/' && name.data[k] != '*')
            continue;
        assay_str part = pc_slice(name, from, k);
        size_t caret = pc_find(part, "^", 0);
        int own = caret == PC_NONE ? 1 : part.data[caret + 1] - '0';
        if (!add_factor(p, pc_slice(part, 0, caret == PC_NONE ? part.len : caret),
                        sign * own * power, false))
            return false;
        sign = k < name.len && name.data[k] == '/' ? -1 : 1;
        from = k + 1;
    }
    return true;
}

/* The words of items [at, ...) that are one measure together ("degrees Celsius"), longest first;
 * returns how many. */
static uint32_t words_measure(const reader *r, uint32_t at, uint32_t end, small *out)
{
    char joined[UNIT_WORD];
    size_t ends[3], n = 0;
    uint32_t words = 0;
    for (uint32_t i = at; i < end && words < 3 && r->items[i].kind == I_WORD; i++) {
        assay_str w = item_text(r, &r->items[i]);
        if (n + w.len + 1 >= sizeof joined)
            break;
        if (words)
            joined[n++] = ' ';
        for (size_t k = 0; k < w.len; k++)
            joined[n++] = pc_lower(w.data[k]);
        ends[words++] = n;
    }
    for (; words > 1; words--) {
        char one[UNIT_WORD];
        memcpy(one, joined, ends[words - 1]);
        size_t len = ends[words - 1];
        if (known_word((assay_str){ one, len }, out) || /* metric tons, pounds sterling */
            (one[len - 1] == 's' && known_word((assay_str){ one, len - 1 }, out)))
            return words;
    }
    return measure(item_text(r, &r->items[at]), out) ? 1 : 0;
}

static bool is_word(const reader *r, uint32_t i, const char *lower)
{
    return r->items[i].kind == I_WORD && pc_is_nocase(item_text(r, &r->items[i]), lower);
}

/* A power that items before the unit ask for: square, cubic. */
static int power_word(const reader *r, uint32_t i)
{
    if (is_word(r, i, "square") || is_word(r, i, "sq"))
        return 2;
    return is_word(r, i, "cubic") || is_word(r, i, "cu") ? 3 : 1;
}

/* ... and after it: ^2, squared. *i moves past it. */
static int power_after(const reader *r, uint32_t *i)
{
    if (r->items[*i].kind == I_POWER)
        return r->items[(*i)++].power;
    if (is_word(r, *i, "squared") || is_word(r, *i, "cubed"))
        return is_word(r, (*i)++, "squared") ? 2 : 3;
    return 1;
}

static bool add_noun(product *p, assay_str word, int sign)
{
    char lower[UNIT_WORD];
    for (size_t k = 0; k < word.len; k++)
        lower[k] = pc_lower(word.data[k]);
    if (unit_is_banned((assay_str){ lower, word.len }))
        return false;
    factor *last = p->n ? &p->list[p->n - 1] : NULL;
    if (last && last->noun && last->group == p->group) { /* right triangle */
        if (last->len + 1 + word.len >= UNIT_WORD)
            return false;
        last->name[last->len++] = ' ';
        memcpy(last->name + last->len, lower, word.len);
        last->len = (uint8_t)(last->len + word.len);
        return true;
    }
    return add_factor(p, (assay_str){ lower, word.len }, sign, true);
}

/* "in" is an inch only on its own: not in "students in class". */
static bool is_inch(const reader *r, uint32_t i, const product *p)
{
    bool first = p->n == 0 || p->list[p->n - 1].group != p->group;
    return first && r->items[i + 1].kind != I_WORD;
}

static bool is_article(const reader *r, uint32_t i)
{
    return (r->items[i].len == 1 && r->words[r->items[i].at] == 'a') || is_word(r, i, "an") ||
           is_word(r, i, "each") || is_word(r, i, "every");
}

/* One word or more at *i, with its powers. */
static bool add_words(const reader *r, uint32_t *i, uint32_t end, product *p, int *sign)
{
    small name;
    uint32_t at = *i;
    bool has_left = p->n && p->list[p->n - 1].group == p->group;
    assay_str word = item_text(r, &r->items[at]);
    char lower[UNIT_WORD];
    for (size_t k = 0; k < word.len; k++)
        lower[k] = pc_lower(word.data[k]);
    if (is_article(r, at) &&
        (has_left || r->items[at + 1].kind == I_WORD)) { /* dollars an hour; dollars each */
        *i = at + 1;
        if (has_left && *i < end && words_measure(r, *i, end, &name)) {
            *sign = *sign > 0 ? -*sign : *sign;
            p->group++;
        }
        return true;
    }
    if (unit_is_preposition((assay_str){ lower, word.len }) &&
        !(pc_is_nocase(word, "in") && is_inch(r, at, p))) {
        while (*i < end && r->items[*i].kind == I_WORD &&
               !is_word(r, *i, "per")) /* pounds of apples */
            ++*i;
        return has_left && *i > at + 1;
    }
    int before = power_word(r, at);
    uint32_t first = before != 1 && at + 1 < end ? at + 1 : at;
    uint32_t words = r->items[first].kind == I_WORD ? words_measure(r, first, end, &name) : 0;
    /* A single letter beside words is a name: plan A, team B. */
    bool letter = words == 1 && word.len == 1 && pc_is_alpha(word.data[0]) && first == at &&
                  has_left && p->list[p->n - 1].noun;
    if (words == 0 || letter) {
        *i = at + 1;
        return add_noun(p, word, *sign);
    }
    *i = first + words;
    int power = power_after(r, i) * (first > at ? before : 1);
    return power >= -MAX_POWER && power <= MAX_POWER &&
           add_measure(p, (assay_str){ name.data, name.len }, *sign * power);
}

/* MAX_NESTING bounds the depth of what follows. NOLINTBEGIN(misc-no-recursion) */
static bool product_of(const reader *r, uint32_t from, uint32_t to, product *p, int sign);

/* \frac{m}{s}; *i is at the command, then past the second brace. */
static bool add_fraction(const reader *r, uint32_t *i, uint32_t to, product *p, int sign)
{
    uint32_t top = *i + 1, below = r->items[top].kind == I_OPEN ? r->items[top].close + 1u : 0;
    if (below == 0 || below >= to || r->items[below].kind != I_OPEN || below == top + 2 ||
        r->items[below].close == below + 1)
        return false;
    if (!product_of(r, top + 1, below - 1, p, sign))
        return false;
    p->group++;
    *i = r->items[below].close + 1u;
    return product_of(r, below + 1, *i - 1, p, -sign);
}

/* (m/s) or (m/s)^2 */
static bool add_group(const reader *r, uint32_t *i, uint32_t to, product *p, int sign)
{
    uint32_t first = p->n, close = r->items[*i].close;
    if (!product_of(r, *i + 1, close, p, sign))
        return false;
    *i = close + 1;
    if (*i >= to || r->items[*i].kind != I_POWER)
        return true;
    for (uint32_t k = first; k < p->n; k++) {
        int power = p->list[k].power * r->items[*i].power;
        if (power > MAX_POWER || power < -MAX_POWER)
            return false;
        p->list[k].power = (int8_t)power;
    }
    ++*i;
    return true;
}

/* A sign between two units. What follows "per" is divided by, to the end: J/kg K is J/(kg K). */
static bool add_operator(const reader *r, uint32_t i, uint32_t from, uint32_t to, product *p,
                         int *sign)
{
    const item *it = &r->items[i];
    if (i + 1 >= to || (i > from && r->items[i - 1].kind == I_PER))
        return false;
    if (it->kind == I_TIMES) {
        p->group = (uint8_t)(p->group + (it->power == 0));
        return i > from;
    }
    *sign = *sign > 0 ? -*sign : *sign;
    p->group++;
    return true;
}

/* Items [from, to) times p. */
static bool product_of(const reader *r, uint32_t from, uint32_t to, product *p, int sign)
{
    bool ok = true;
    for (uint32_t i = from; ok && i < to;) {
        item_kind k = is_word(r, i, "per") ? I_PER : r->items[i].kind;
        if (k == I_PER || k == I_TIMES)
            ok = add_operator(r, i++, from, to, p, &sign);
        else if (k == I_FRAC)
            ok = add_fraction(r, &i, to, p, sign);
        else if (k == I_OPEN)
            ok = add_group(r, &i, to, p, sign);
        else
            ok = k == I_WORD && add_words(r, &i, to, p, &sign);
    }
    return ok;
}
/* NOLINTEND(misc-no-recursion) */

/* ---- factors to text ---- */
static assay_str factor_name(const factor *f)
{
    return (assay_str){ f->name, f->len };
}

static bool group_has_measure(const product *p, uint8_t group)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (!p->list[i].noun && p->list[i].group == group)
            return true;
    return false;
}

/* Decoration goes, things become singular, powers of one unit are joined, the rest is sorted.
 * False: a name is too short to be one. */
static bool tidy(product *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        factor f = p->list[i];
        if (f.noun && group_has_measure(p, f.group))
            continue;
        if (f.noun) {
            size_t last = f.len;
            while (last > 0 && f.name[last - 1] != ' ')
                last--;
            f.len = (uint8_t)(last + unit_singular(f.name + last, f.len - last));
            if ((f.len < 3 && (unsigned char)f.name[0] < 0x80) || f.name[1] == ' ')
                return false;
        }
        uint32_t k = 0;
        while (k < n && !pc_eq(factor_name(&p->list[k]), factor_name(&f)))
            k++;
        if (k < n)
            p->list[k].power = (int8_t)(p->list[k].power + f.power);
        else
            p->list[n++] = f;
    }
    p->n = n;
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t k = i;
             k > 0 && pc_cmp(factor_name(&p->list[k]), factor_name(&p->list[k - 1])) < 0; k--) {
            factor swap = p->list[k];
            p->list[k] = p->list[k - 1];
            p->list[k - 1] = swap;
        }
    return true;
}

/* Things have no powers, and are no divisor of nothing. */
static bool is_sound(const product *p)
{
    bool above = false, things = false;
    for (uint32_t i = 0; i < p->n; i++) {
        const factor *f = &p->list[i];
        above = above || f->power > 0;
        things = things || f->noun;
        if (f->noun && f->power != 1 && f->power != -1)
            return false;
    }
    return above || !things;
}

static void write_factors(const product *p, int sign, bool as_divisor, pc_buf *out, bool *any)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const factor *f = &p->list[i];
        if (f->power == 0 || (f->power > 0) != (sign > 0))
            continue;
        if (as_divisor || *any)
            pc_buf_byte(out, as_divisor ? '/' : '*');
        pc_buf_add(out, f->name, f->len);
        int power = as_divisor ? -f->power : f->power;
        if (power != 1)
            pc_buf_fmt(out, "^%d", power);
        *any = true;
    }
}

static void write_product(const product *p, pc_buf *out)
{
    if (p->n == 1 && p->list[0].power == 1 && pc_is(factor_name(&p->list[0]), "unit"))
        return;
    bool any = false;
    write_factors(p, 1, false, out, &any);
    write_factors(p, -1, any, out, &any);
}

static bool is_half_day(assay_str words, pc_buf *out)
{
    char letters[3];
    size_t n = 0;
    for (size_t k = 0; k < words.len; k++) {
        if (pc_is_alpha(words.data[k]) && n < sizeof letters)
            letters[n++] = pc_lower(words.data[k]);
        else if (!pc_in(words.data[k], ". {}"))
            return false;
    }
    if (n != 2 || letters[1] != 'm' || (letters[0] != 'a' && letters[0] != 'p') || words.len > 6)
        return false;
    pc_buf_add(out, letters, 2);
    return true;
}

static bool is_utf8(assay_str s)
{
    for (size_t at = 0; at < s.len;) {
        uint32_t cp = 0;
        at += pc_utf8(s, at, &cp);
        if (cp == UINT32_MAX)
            return false;
    }
    return true;
}

bool math_unit_name(assay_str words, pc_buf *out)
{
    small name;
    words = pc_trim(words);
    if (words.len == 0 || words.len > MAX_BYTES)
        return false;
    if (is_half_day(words, out))
        return true;
    if (measure(words, &name) && !memchr(name.data, '/', name.len) &&
        !pc_is((assay_str){ name.data, name.len }, "unit")) {
        pc_buf_add(out, name.data, name.len);
        return true;
    }
    reader r;
    r.in = words;
    r.at = r.used = 0;
    r.n = 0;
    r.micro = false;
    product p = { .n = 0 };
    if (!is_utf8(words) || !read_items(&r) || !match_brackets(&r))
        return false;
    drop_braces(&r);
    if (!product_of(&r, 0, r.n, &p, 1) || p.n == 0 || !tidy(&p) || !is_sound(&p))
        return false;
    write_product(&p, out);
    return true;
}

bool math_unit_is_measure(assay_str word)
{
    small name;
    while (word.len > 1 && word.data[word.len - 1] == '.')
        word.len--;
    return measure(word, &name);
}
