/* jinja_method.c -- methods of strings, dictionaries and lists, and the global functions that
 * transformers gives to templates. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "model/jinja_inner.h"
#include "model/unicode.h"

#include <stdio.h>
#include <time.h>

typedef bool method(as_jr *r, as_jv self, const as_jargs *args, as_jv *out);

const as_jv *as_jarg(const as_jargs *args, size_t i, const char *name)
{
    if (i < args->n)
        return &args->items[i];
    const as_jv_pair *pair = name ? as_jv_find(&args->named, as_str_of(name)) : NULL;
    return pair ? &pair->value : NULL;
}

/* ---- strings ---- */

/* Is the character one of `set` (absent: white space)? */
static bool is_one_of(as_str character, uint32_t c, as_str set)
{
    if (!set.data)
        return as_uc_is_blank(c);
    return memmem(set.data, set.len, character.data, character.len) != NULL;
}

static as_str strip(as_str s, as_str set, bool left, bool right)
{
    uint32_t c;
    while (left && s.len) {
        unsigned n = as_uc_read(s.data, s.len, &c);
        if (!is_one_of((as_str){ s.data, n }, c, set))
            break;
        s = (as_str){ s.data + n, s.len - n };
    }
    while (right && s.len) {
        unsigned n = as_uc_read_back(s.data, s.len, &c);
        if (!is_one_of((as_str){ s.data + s.len - n, n }, c, set))
            break;
        s.len -= n;
    }
    return s;
}

static bool do_strip(as_jr *r, as_jv self, const as_jargs *args, bool left, bool right, as_jv *out)
{
    const as_jv *set = as_jarg(args, 0, "chars");
    as_str chars = set && set->kind == AS_JV_STRING ? set->of.string : (as_str){ NULL, 0 };
    as_str s = strip(self.of.string, chars, left, right);
    return as_jr_charge(r, (self.of.string.len - s.len) * (1 + chars.len)) && as_jv_copy(r, s, out);
}

static bool m_strip(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return do_strip(r, self, args, true, true, out);
}

static bool m_lstrip(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return do_strip(r, self, args, true, false, out);
}

static bool m_rstrip(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return do_strip(r, self, args, false, true, out);
}

static const char *find(as_str s, as_str part)
{
    return s.len ? memmem(s.data, s.len, part.data, part.len) : part.len ? NULL : s.data;
}

/* Last place of `part` in s. */
static const char *find_last(as_str s, as_str part)
{
    for (size_t at = s.len < part.len ? 0 : s.len - part.len + 1; at > 0; at--)
        if (memcmp(s.data + at - 1, part.data, part.len) == 0)
            return s.data + at - 1;
    return NULL;
}

/* A list that grows. */
static bool append(as_jr *r, as_jv *list, size_t *cap, as_str s)
{
    as_jv item;
    if (list->of.list->n == *cap) {
        as_jv grown;
        if (!as_jv_list_new(r, *cap * 2 + 4, &grown))
            return false;
        memcpy(grown.of.list->items, list->of.list->items, *cap * sizeof item);
        grown.of.list->n = *cap;
        *cap = *cap * 2 + 4;
        *list = grown;
    }
    if (!as_jv_copy(r, s, &item))
        return false;
    list->of.list->items[list->of.list->n++] = item;
    return true;
}

/* split() at white space: runs count once, none at the ends. */
static bool split_space(as_jr *r, as_str s, int64_t most, as_jv *out)
{
    size_t cap = 0;
    if (!as_jv_list_new(r, 0, out))
        return false;
    for (s = strip(s, (as_str){ NULL, 0 }, true, false); s.len; most -= most > 0) {
        size_t at = 0;
        uint32_t c = 0;
        while (most != 0 && at < s.len) {
            unsigned n = as_uc_read(s.data + at, s.len - at, &c);
            if (as_uc_is_blank(c))
                break;
            at += n;
        }
        as_str piece = { s.data, most == 0 ? s.len : at };
        if (most == 0)
            piece = s;
        if (!append(r, out, &cap, piece))
            return false;
        s = strip((as_str){ s.data + piece.len, s.len - piece.len }, (as_str){ NULL, 0 }, true,
                  false);
    }
    return true;
}

static bool m_split(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    const as_jv *by = as_jarg(args, 0, "sep"), *limit = as_jarg(args, 1, "maxsplit");
    int64_t most = limit && limit->kind == AS_JV_INT ? limit->of.integer : -1;
    as_str s = self.of.string;
    size_t cap = 0;
    if (!as_jr_charge(r, s.len))
        return false;
    if (!by || by->kind == AS_JV_NONE)
        return split_space(r, s, most, out);
    if (by->kind != AS_JV_STRING || !by->of.string.len)
        return as_jr_fail(r, "split: the separator is no text, or empty");
    if (!as_jv_list_new(r, 0, out))
        return false;
    for (const char *p; most != 0 && (p = find(s, by->of.string)); most -= most > 0) {
        size_t at = (size_t)(p - s.data);
        if (!append(r, out, &cap, (as_str){ s.data, at }))
            return false;
        s = (as_str){ p + by->of.string.len, s.len - at - by->of.string.len };
    }
    return append(r, out, &cap, s);
}

/* rsplit(sep, 1), the one form that templates use, and without a limit split() itself */
static bool m_rsplit(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    const as_jv *by = as_jarg(args, 0, "sep"), *limit = as_jarg(args, 1, "maxsplit");
    if (!limit)
        return m_split(r, self, args, out);
    if (!by || by->kind != AS_JV_STRING || !by->of.string.len || limit->kind != AS_JV_INT ||
        limit->of.integer != 1)
        return as_jr_fail(r, "rsplit: known only as rsplit(sep) and rsplit(sep, 1)");
    as_str s = self.of.string;
    size_t cap = 0;
    if (!as_jr_charge(r, s.len) || !as_jv_list_new(r, 0, out))
        return false;
    const char *p = find_last(s, by->of.string);
    if (p && !append(r, out, &cap, (as_str){ s.data, (size_t)(p - s.data) }))
        return false;
    if (p)
        s = (as_str){ p + by->of.string.len, s.len - (size_t)(p - s.data) - by->of.string.len };
    return append(r, out, &cap, s);
}

static bool m_splitlines(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    as_str s = self.of.string;
    size_t cap = 0;
    if (args->n || args->named.n)
        return as_jr_fail(r, "splitlines: arguments are not implemented");
    if (!as_jv_list_new(r, 0, out))
        return false;
    while (s.len) {
        size_t at = 0;
        while (at < s.len && s.data[at] != '\n' && s.data[at] != '\r')
            at++;
        if (!append(r, out, &cap, (as_str){ s.data, at }))
            return false;
        at += at + 1 < s.len && s.data[at] == '\r' && s.data[at + 1] == '\n';
        at += at < s.len;
        s = (as_str){ s.data + at, s.len - at };
    }
    return true;
}

/* NOLINTBEGIN(misc-no-recursion): once, into a tuple */
static bool has_end(as_str s, as_jv end, bool at_start)
{
    if (end.kind == AS_JV_LIST) {
        for (size_t i = 0; i < end.of.list->n; i++)
            if (end.of.list->items[i].kind == AS_JV_STRING &&
                has_end(s, end.of.list->items[i], at_start))
                return true;
        return false;
    }
    as_str e = end.of.string;
    return e.len <= s.len && memcmp(at_start ? s.data : s.data + s.len - e.len, e.data, e.len) == 0;
}

/* NOLINTEND(misc-no-recursion) */

static bool do_ends(as_jr *r, as_jv self, const as_jargs *args, bool at_start, as_jv *out)
{
    const as_jv *end = as_jarg(args, 0, NULL);
    if (!end || args->n > 1 || (end->kind != AS_JV_STRING && end->kind != AS_JV_LIST))
        return as_jr_fail(r, "startswith and endswith take one text, or several as a tuple");
    *out = as_jv_bool(has_end(self.of.string, *end, at_start));
    return as_jr_charge(r, end->kind == AS_JV_STRING ? end->of.string.len : self.of.string.len);
}

static bool m_startswith(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return do_ends(r, self, args, true, out);
}

static bool m_endswith(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return do_ends(r, self, args, false, out);
}

/* An affix taken off where it is there. */
static bool do_remove(as_jr *r, as_jv self, const as_jargs *args, bool at_start, as_jv *out)
{
    const as_jv *affix = as_jarg(args, 0, NULL);
    as_str s = self.of.string;
    if (!affix || affix->kind != AS_JV_STRING)
        return as_jr_fail(r, "removeprefix and removesuffix take a text");
    if (has_end(s, *affix, at_start))
        s = (as_str){ s.data + (at_start ? affix->of.string.len : 0),
                      s.len - affix->of.string.len };
    return as_jv_copy(r, s, out);
}

static bool m_removeprefix(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return do_remove(r, self, args, true, out);
}

static bool m_removesuffix(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return do_remove(r, self, args, false, out);
}

static bool m_find(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    const as_jv *part = as_jarg(args, 0, NULL);
    as_str s = self.of.string;
    if (!part || part->kind != AS_JV_STRING || args->n > 1)
        return as_jr_fail(r, "find takes one text");
    const char *p = find(s, part->of.string);
    *out = as_jv_int(p ? (int64_t)as_jv_chars((as_str){ s.data, (size_t)(p - s.data) }) : -1);
    return as_jr_charge(r, s.len);
}

static bool m_count(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    const as_jv *part = as_jarg(args, 0, NULL);
    as_str s = self.of.string;
    int64_t n = 0;
    if (!part || part->kind != AS_JV_STRING || !part->of.string.len || args->n > 1)
        return as_jr_fail(r, "count takes one text that is not empty");
    for (const char *p; (p = find(s, part->of.string)); n++)
        s = (as_str){ p + part->of.string.len, s.len - (size_t)(p - s.data) - part->of.string.len };
    *out = as_jv_int(n);
    return as_jr_charge(r, self.of.string.len);
}

static bool m_isdigit(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    (void)args;
    as_str s = self.of.string;
    size_t n = 0;
    while (n < s.len && s.data[n] >= '0' && s.data[n] <= '9')
        n++;
    *out = as_jv_bool(s.len && n == s.len);
    return as_jr_charge(r, s.len);
}

/* These are filters too, and stand there. */
static bool m_filter(as_jr *r, const char *name, as_jv self, const as_jargs *args, as_jv *out)
{
    return as_jr_filter(r, as_str_of(name), self, args, out);
}

static bool m_upper(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return m_filter(r, "upper", self, args, out);
}

static bool m_lower(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return m_filter(r, "lower", self, args, out);
}

static bool m_capitalize(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return m_filter(r, "capitalize", self, args, out);
}

static bool m_replace(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return m_filter(r, "replace", self, args, out);
}

/* sep.join(list): the filter the other way round */
static bool m_join(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    const as_jargs by = { .items = &self, .n = 1 };
    if (args->n != 1)
        return as_jr_fail(r, "join takes one list");
    return m_filter(r, "join", args->items[0], &by, out);
}

/* ---- dictionaries ---- */

static bool m_get(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    const as_jv *key = as_jarg(args, 0, NULL), *otherwise = as_jarg(args, 1, NULL);
    if (!key)
        return as_jr_fail(r, "get needs a key");
    const as_jv_pair *pair =
        key->kind == AS_JV_STRING ? as_jv_find(self.of.map, key->of.string) : NULL;
    *out = pair ? pair->value : otherwise ? *otherwise : as_jv_none();
    return as_jr_charge(r, self.of.map->n * 8);
}

static bool m_keys(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    (void)args;
    return as_jv_items(r, self, out);
}

static bool m_values(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    (void)args;
    if (!as_jv_list_new(r, self.of.map->n, out))
        return false;
    for (size_t i = 0; i < self.of.map->n; i++)
        out->of.list->items[i] = self.of.map->pairs[i].value;
    return true;
}

static bool m_items(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    return m_filter(r, "items", self, args, out);
}

/* ---- global functions ---- */

static bool g_raise(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    as_str text = AS_LIT("");
    (void)self;
    (void)out;
    if (args->n && !as_jv_text(r, args->items[0], &text))
        return false;
    return as_jr_fail(r, "the template refuses: %.*s", (int)(text.len < 300 ? text.len : 300),
                      text.data);
}

/* One directive of strftime, in English whatever the locale; false where it is none of ours. */
static bool put_date(as_buf *out, char what, bool is_bare, const struct tm *t)
{
    static const char *const months[] = { "January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December" };
    static const char *const days[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday" };
    static const char numbers[] = "dmHMSIy";
    const char *month = months[(unsigned)t->tm_mon % 12], *day = days[(unsigned)t->tm_wday % 7];
    const int values[] = { t->tm_mday,      t->tm_mon + 1, t->tm_hour,
                           t->tm_min,       t->tm_sec,     (t->tm_hour + 11) % 12 + 1,
                           t->tm_year % 100 };
    const char *number = what ? strchr(numbers, what) : NULL;
    if (number)
        as_buf_addf(out, is_bare ? "%d" : "%02d", values[number - numbers]);
    else if (what == 'Y')
        as_buf_addf(out, "%d", t->tm_year + 1900);
    else if (what == 'j')
        as_buf_addf(out, is_bare ? "%d" : "%03d", t->tm_yday + 1);
    else if (what == 'B' || what == 'b')
        as_buf_add(out, (as_str){ month, what == 'B' ? strlen(month) : 3 });
    else if (what == 'A' || what == 'a')
        as_buf_add(out, (as_str){ day, what == 'A' ? strlen(day) : 3 });
    else if (what == 'p')
        as_buf_text(out, t->tm_hour < 12 ? "AM" : "PM");
    else if (what == '%')
        as_buf_byte(out, '%');
    else
        return false;
    return true;
}

static bool g_now(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    const as_jv *format = as_jarg(args, 0, "format");
    struct tm parts;
    time_t now = (time_t)r->now;
    (void)self;
    if (!now)
        now = time(NULL);
    if (!format || format->kind != AS_JV_STRING || !localtime_r(&now, &parts))
        return as_jr_fail(r, "strftime_now takes a format");
    as_buf text;
    as_str s = format->of.string;
    as_buf_init(&text, AS_JINJA_MEMORY);
    bool done = as_jr_charge(r, s.len * 2);
    for (size_t i = 0; done && i < s.len; i++) {
        if (s.data[i] != '%') {
            as_buf_byte(&text, s.data[i]);
            continue;
        }
        bool is_bare = ++i < s.len && s.data[i] == '-';
        i += is_bare;
        if (i >= s.len || !put_date(&text, s.data[i], is_bare, &parts))
            done = as_jr_fail(r,
                              "strftime_now: a directive of \"%.*s\" is not implemented (known: "
                              "%%d %%m %%y %%Y %%b %%B %%a %%A "
                              "%%H %%I %%M %%S %%p %%j)",
                              (int)(s.len < 60 ? s.len : 60), s.data);
    }
    done = done && as_jv_copy(r, as_buf_str(&text), out);
    as_buf_fini(&text);
    return done;
}

static bool g_namespace(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    as_jv_map *map = as_arena_calloc(&r->arena, 1, sizeof *map);
    (void)self;
    if (!map)
        return as_jr_memory(r);
    if (args->n)
        return as_jr_fail(r, "namespace takes names and values: namespace(a=1)");
    *out = (as_jv){ .kind = AS_JV_NAMESPACE, .of.map = map };
    for (size_t i = 0; i < args->named.n; i++)
        if (!as_jv_put(r, map, args->named.pairs[i].key, args->named.pairs[i].value))
            return false;
    return true;
}

static bool g_dict(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    if (!g_namespace(r, self, args, out))
        return false;
    out->kind = AS_JV_MAP;
    return true;
}

static bool g_range(as_jr *r, as_jv self, const as_jargs *args, as_jv *out)
{
    enum { MOST = 100000 }; /* Jinja's sandbox has the same bound */
    int64_t v[3] = { 0, 0, 1 };
    (void)self;
    if (args->n < 1 || args->n > 3)
        return as_jr_fail(r, "range takes one to three numbers");
    for (size_t i = 0; i < args->n; i++) {
        if (args->items[i].kind != AS_JV_INT)
            return as_jr_fail(r, "range takes whole numbers, not %s", as_jv_type(args->items[i]));
        v[args->n == 1 ? 1 : i] = args->items[i].of.integer;
        if (v[i] > INT32_MAX || v[i] < INT32_MIN)
            return as_jr_fail(r, "range: a number is too large");
    }
    if (v[1] > INT32_MAX || v[1] < INT32_MIN || v[2] == 0)
        return as_jr_fail(r, "range: a number is too large, or the step is 0");
    int64_t n = v[2] > 0 ? (v[1] - v[0] + v[2] - 1) / v[2] : (v[0] - v[1] - v[2] - 1) / -v[2];
    n = n < 0 ? 0 : n;
    if (n > MOST)
        return as_jr_fail(r, "range of more than %d numbers", MOST);
    if (!as_jv_list_new(r, (size_t)n, out))
        return false;
    for (int64_t i = 0; i < n; i++)
        out->of.list->items[i] = as_jv_int(v[0] + i * v[2]);
    return true;
}

/* ---- by name ---- */

static const struct entry {
    const char *name;
    as_jkind_of of; /* AS_JV_UNDEFINED: a global function */
    method *call;
} entries[] = {
    { "strip", AS_JV_STRING, m_strip },
    { "lstrip", AS_JV_STRING, m_lstrip },
    { "rstrip", AS_JV_STRING, m_rstrip },
    { "split", AS_JV_STRING, m_split },
    { "rsplit", AS_JV_STRING, m_rsplit },
    { "splitlines", AS_JV_STRING, m_splitlines },
    { "startswith", AS_JV_STRING, m_startswith },
    { "endswith", AS_JV_STRING, m_endswith },
    { "removeprefix", AS_JV_STRING, m_removeprefix },
    { "removesuffix", AS_JV_STRING, m_removesuffix },
    { "find", AS_JV_STRING, m_find },
    { "count", AS_JV_STRING, m_count },
    { "isdigit", AS_JV_STRING, m_isdigit },
    { "upper", AS_JV_STRING, m_upper },
    { "lower", AS_JV_STRING, m_lower },
    { "capitalize", AS_JV_STRING, m_capitalize },
    { "replace", AS_JV_STRING, m_replace },
    { "join", AS_JV_STRING, m_join },
    { "get", AS_JV_MAP, m_get },
    { "keys", AS_JV_MAP, m_keys },
    { "values", AS_JV_MAP, m_values },
    { "items", AS_JV_MAP, m_items },
    { "raise_exception", AS_JV_UNDEFINED, g_raise },
    { "strftime_now", AS_JV_UNDEFINED, g_now },
    { "namespace", AS_JV_UNDEFINED, g_namespace },
    { "dict", AS_JV_UNDEFINED, g_dict },
    { "range", AS_JV_UNDEFINED, g_range },
};

static const struct entry *entry_of(as_jkind_of of, as_str name)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (entries[i].of == of && as_str_is(name, entries[i].name))
            return &entries[i];
    return NULL;
}

bool as_jr_is_method(as_jv self, as_str name)
{
    return entry_of(self.kind, name) != NULL;
}

bool as_jr_call(as_jr *r, const as_jv_function *f, const as_jargs *args, as_jv *out)
{
    const struct entry *e = entry_of(f->self.kind, f->name);
    if (!e)
        return as_jr_fail(r, "\"%.*s\" is not implemented", AS_FMT(f->name));
    return e->call(r, f->self, args, out);
}
