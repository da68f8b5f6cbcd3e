/* fuzz_code_task.c -- a reference, read: tests whose parts are whole, or a sentence why there are
 * none. What is no object is read as a literal of Python and as JSON: a value that is valid, and
 * that reads the same when it was printed. SPDX-License-Identifier: Apache-2.0 */
#include "code/json.h"
#include "code/literal.h"
#include "code/task.h"
#include "fuzz_clock.h"

static cd_python *py;

/* ---- tasks ---- */

static void check_value(assay_str v, const char *kinds)
{
    if (!v.data)
        return;
    FUZZ_CHECK(cd_valid(v) && v.data[v.len] == 0);
    FUZZ_CHECK(!kinds || pc_in(v.data[0], kinds));
}

static void check_assertions(const cd_task *t)
{
    for (uint32_t i = 0; i < t->n_assertions; i++) {
        const cd_assertion *a = &t->assertions[i];
        FUZZ_CHECK(a->source.data && a->first <= t->n && (a->whole || a->n <= t->n - a->first));
        FUZZ_CHECK(a->whole || a->judge.data || (a->n == 1 && a->wanted.data));
    }
    for (uint32_t i = 0; i < t->n; i++)
        FUZZ_CHECK(t->written[i].data && t->written[i].data[0] == '(');
}

static void check_task(const cd_task *t)
{
    FUZZ_CHECK(t->language && cd_task_tests(t) > 0);
    FUZZ_CHECK(t->kind == CD_STDIO || t->entry);
    FUZZ_CHECK(t->kind != CD_CHECK || t->check.data);
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->kind == CD_STDIO) {
            FUZZ_CHECK(t->input[i].data && (!t->has_wants || t->want[i].data));
            continue;
        }
        FUZZ_CHECK(t->kind == CD_ASSERTS || t->input[i].data);
        check_value(t->input[i], "([");
        check_value(t->want[i], NULL);
        if (t->also)
            check_value(t->also[i], NULL);
    }
    if (t->kind == CD_ASSERTS)
        check_assertions(t);
}

static void read_task(assay_str text)
{
    cd_task t;
    double start = fuzz_now_ms();
    cd_task_read(&t, py, text);
    fuzz_check_quick(start, "reading a task");
    if (!t.why)
        check_task(&t);
    cd_task_fini(&t);
}

/* ---- values ---- */

static void check_canon(pc_buf *out, assay_str v)
{
    bool odd;
    pc_buf_clear(out);
    FUZZ_CHECK(cd_canon(out, v, false, &odd));
}

/* Texts that are not UTF-8 are printed as if they were Latin-1. */
static bool is_utf8(assay_str s)
{
    uint32_t cp = 0;
    for (size_t at = 0; at < s.len && cp != UINT32_MAX;)
        at += pc_utf8(s, at, &cp);
    return cp != UINT32_MAX;
}

/* Printed, it is a literal of the same value; but for how deep one may nest: "frozenset({" is two
 * steps for one. */
static void check_printed(assay_str v)
{
    pc_buf text = { 0 }, again = { 0 }, x = { 0 }, y = { 0 };
    cd_repr(&text, v);
    if (!cd_read_python(&again, pc_buf_str(&text))) {
        FUZZ_CHECK(pc_find(pc_buf_str(&text), "((((((((", 0) != PC_NONE ||
                   pc_find(pc_buf_str(&text), "set(", 0) != PC_NONE ||
                   pc_find(pc_buf_str(&text), "[[[[[[[[", 0) != PC_NONE || text.len > 128);
    } else {
        check_canon(&x, v);
        check_canon(&y, pc_buf_str(&again));
        FUZZ_CHECK(pc_eq(pc_buf_str(&x), pc_buf_str(&y)));
    }
    pc_buf_fini(&text);
    pc_buf_fini(&again);
    pc_buf_fini(&x);
    pc_buf_fini(&y);
}

static void read_literal(assay_str text, bool json)
{
    pc_buf b = { 0 };
    pc_buf_text(&b, "##"); /* what was there stays */
    double start = fuzz_now_ms();
    bool ok = json ? cd_read_json(&b, text) : cd_read_python(&b, text);
    fuzz_check_quick(start, "reading a literal");
    FUZZ_CHECK(b.len >= 2 && memcmp(b.data, "##", 2) == 0 && (ok || b.len == 2));
    if (ok) {
        assay_str v = pc_slice(pc_buf_str(&b), 2, b.len);
        FUZZ_CHECK(cd_valid(v));
        if (is_utf8(text))
            check_printed(v);
    }
    pc_buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 21 || (!py && !(py = cd_python_new())))
        return 0;
    char *copy = malloc(size + 1); /* texts of the host end with a NUL, as a courtesy */
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    copy[size] = 0;
    assay_str text = { copy, size };
    if (pc_at(pc_trim(text), 0) == '{')
        read_task(text);
    read_literal(text, false);
    read_literal(text, true);
    free(copy);
    return 0;
}
