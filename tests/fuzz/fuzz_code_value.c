/* fuzz_code_value.c -- what a program may have returned: checked, compared, put into a key and
 * printed, whatever it is. What has a key is a value for the sandbox too, and equality is the same
 * relation in both. First byte: how to compare; then one value, or two behind each other.
 * SPDX-License-Identifier: Apache-2.0 */
#include "code/literal.h"
#include "code/value.h"
#include "fuzz_clock.h"
#include "sandbox/value.h"

typedef struct seen {
    assay_str v;
    pc_buf canon;
    bool ok, odd;
} seen;

static asbx_text theirs(assay_str v)
{
    return (asbx_text){ v.data, v.len };
}

static void look(seen *s, assay_str v, bool list_is_tuple)
{
    *s = (seen){ .v = v };
    s->ok = cd_canon(&s->canon, v, list_is_tuple, &s->odd);
    FUZZ_CHECK(s->ok || s->odd);
    FUZZ_CHECK(!s->ok || (cd_valid(v) && asbx_value_valid(theirs(v))));
}

/* Texts that are not UTF-8 are printed as if they were Latin-1; no program of Python has any. */
static bool has_broken_text(assay_str v)
{
    cd_walk w = cd_walk_of(v);
    cd_item item;
    while (cd_next(&w, &item)) {
        uint32_t cp = 0;
        for (size_t at = 0; item.kind == 's' && at < item.text.len;
             at += pc_utf8(item.text, at, &cp))
            if (cp == UINT32_MAX)
                return true;
        if (cp == UINT32_MAX)
            return true;
    }
    return false;
}

/* The key of an answer depends on the value alone: a reading of what was printed has the same. */
static void check_printed(const seen *s, bool list_is_tuple)
{
    pc_buf text = { 0 }, value = { 0 };
    seen again;
    cd_repr(&text, s->v);
    FUZZ_CHECK(!text.failed && text.len > 0);
    if (s->ok && !cd_holds_other(s->v) && !has_broken_text(s->v) &&
        cd_read_python(&value, pc_buf_str(&text))) {
        look(&again, pc_buf_str(&value), list_is_tuple);
        FUZZ_CHECK(again.ok && pc_eq(pc_buf_str(&again.canon), pc_buf_str(&s->canon)));
        pc_buf_fini(&again.canon);
    }
    pc_buf_fini(&text);
    pc_buf_fini(&value);
}

static void check_self(const seen *s, const cd_tolerance *t)
{
    bool is = cd_equal(s->v, s->v, t), exact = !(t->relative > 0) && !(t->absolute > 0);
    FUZZ_CHECK(s->odd || is);
    FUZZ_CHECK(!s->odd || !is || !exact);
    (void)cd_equal_sets(s->v, s->v);
    (void)cd_holds_other(s->v);
    FUZZ_CHECK(cd_is_odd(s->v) == s->odd);
}

/* The sandbox's own comparing takes a set with one element twice for one of two. */
static bool has_sets(assay_str v)
{
    return memchr(v.data, '<', v.len) || memchr(v.data, '>', v.len) || memchr(v.data, '{', v.len);
}

static void check_pair(const seen *a, const seen *b, const cd_tolerance *t)
{
    bool exact = !(t->relative > 0) && !(t->absolute > 0);
    bool is = cd_equal(a->v, b->v, t), back = cd_equal(b->v, a->v, t);
    FUZZ_CHECK(t->relative > 0 || is == back);
    bool same = !a->odd && !b->odd && pc_eq(pc_buf_str(&a->canon), pc_buf_str(&b->canon));
    FUZZ_CHECK(exact ? is == same : is || !same);
    if (!exact || has_sets(a->v) || has_sets(b->v) || !asbx_value_valid(theirs(a->v)) ||
        !asbx_value_valid(theirs(b->v)) || !a->ok || !b->ok)
        return;
    const asbx_tolerance like_python = { .list_is_tuple = t->list_is_tuple, .int_is_float = true };
    FUZZ_CHECK(is == asbx_value_equal(theirs(a->v), theirs(b->v), &like_python, NULL));
}

/* Where the first whole value ends; half way where there is none. */
static size_t cut_of(assay_str text)
{
    cd_walk w = cd_walk_of(text);
    assay_str first;
    return cd_skip(&w, &first) && w.at < w.end ? first.len : text.len / 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1 << 22)
        return 0;
    const cd_tolerance t = { .relative = data[0] & 1 ? 1e-6 : 0,
                             .absolute = data[0] & 2 ? 1e-6 : 0,
                             .list_is_tuple = data[0] & 4 };
    char *copy = malloc(size - 1);
    if (!copy)
        return 0;
    memcpy(copy, data + 1, size - 1);
    assay_str text = { copy, size - 1 };
    size_t cut = cut_of(text);
    const assay_str parts[] = { text, pc_slice(text, 0, cut), pc_slice(text, cut, text.len) };
    seen s[3];
    double start = fuzz_now_ms();
    for (size_t i = 0; i < 3; i++) {
        look(&s[i], parts[i], t.list_is_tuple);
        check_self(&s[i], &t);
        check_printed(&s[i], t.list_is_tuple);
    }
    check_pair(&s[1], &s[2], &t);
    fuzz_check_quick(start, "two values");
    for (size_t i = 0; i < 3; i++)
        pc_buf_fini(&s[i].canon);
    free(copy);
    return 0;
}
