/* fuzz_jspan.c -- any bytes as JSON. What the scanner accepts, the walks cover without a gap,
 * strings survive unescaping and escaping, cJSON reads what the guard lets through, and the
 * canonical form is its own canonical form. SPDX-License-Identifier: Apache-2.0 */
#include "base/jspan.h"

#include "base/json.h"
#include "base/mem.h"
#include "fuzz.h"

static void check_string(as_jspan span, as_arena *arena)
{
    size_t replaced = 0, again = 0;
    as_str text = as_jstring(span, arena, &replaced);
    FUZZ_CHECK(text.data && text.data[text.len] == 0);
    FUZZ_CHECK(as_utf8_valid(text) == text.len);
    as_buf written;
    as_buf_init(&written, 1u << 30);
    as_buf_json_str(&written, text);
    as_jspan back;
    FUZZ_CHECK(as_json_scan(as_buf_str(&written), &back, NULL) == 0 && back.kind == AS_J_STRING);
    as_str same = as_jstring(back, arena, &again);
    FUZZ_CHECK(as_str_eq(same, text) && again == 0);
    bool has_nul = text.len > 0 && memchr(text.data, 0, text.len);
    FUZZ_CHECK(as_jspan_is(span, text.data) == !has_nul);
    as_buf_fini(&written);
}

static void check_scalar(as_jspan value, as_arena *arena)
{
    double number = 0;
    unsigned long long integer = 0;
    FUZZ_CHECK(value.text.len > 0);
    FUZZ_CHECK(as_json_scan(value.text, NULL, NULL) == 0);
    if (value.kind == AS_J_STRING)
        check_string(value, arena);
    else
        FUZZ_CHECK(as_jnumber(value, &number) <= (value.kind == AS_J_NUMBER));
    if (as_junsigned(value, &integer))
        FUZZ_CHECK(value.kind == AS_J_NUMBER && value.text.data[0] != '-');
}

/* Every value once, depth first. */
static void check_all(as_jspan root, as_arena *arena)
{
    struct {
        as_jspan span;
        size_t at;
    } stack[AS_JSON_DEPTH + 1];
    unsigned n = 0;
    as_jspan value = root, key;
    for (;;) {
        FUZZ_CHECK(value.text.data >= root.text.data &&
                   value.text.data + value.text.len <= root.text.data + root.text.len);
        if (value.kind == AS_J_OBJECT || value.kind == AS_J_ARRAY) {
            FUZZ_CHECK(n <= AS_JSON_DEPTH);
            stack[n].span = value;
            stack[n++].at = 0;
        } else {
            check_scalar(value, arena);
        }
        bool found = false;
        while (n > 0 && !found) {
            bool object = stack[n - 1].span.kind == AS_J_OBJECT;
            found = object ? as_jobject_next(stack[n - 1].span, &stack[n - 1].at, &key, &value)
                           : as_jarray_next(stack[n - 1].span, &stack[n - 1].at, &value);
            if (found && object)
                check_scalar(key, arena);
            n -= !found;
        }
        if (n == 0)
            return;
    }
}

static void check_tree(as_str text)
{
    as_err err = { 0 };
    cJSON *tree = as_json_parse(text, "fuzz", &err);
    as_buf once, twice;
    as_buf_init(&once, 1u << 30);
    as_buf_init(&twice, 1u << 30);
    int rc = as_json_canonical(text, &once, NULL);
    FUZZ_CHECK(tree ? rc == 0 : rc == AS_EUSAGE);
    FUZZ_CHECK(tree ||
               err.code == AS_EUSAGE); /* AS_ENOMEM: cJSON refused what the guard let through */
    if (tree) {
        FUZZ_CHECK(as_json_canonical(as_buf_str(&once), &twice, &err) == 0);
        FUZZ_CHECK(as_str_eq(as_buf_str(&once), as_buf_str(&twice)));
    }
    cJSON_Delete(tree);
    as_buf_fini(&once);
    as_buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_str text = { (const char *)data, size };
    as_err err = { 0 };
    as_jspan root, key, value;
    if (as_json_scan(text, &root, &err) == 0) {
        as_arena arena;
        as_arena_init(&arena, 0);
        check_all(root, &arena);
        check_tree(text);
        as_arena_fini(&arena);
    } else {
        FUZZ_CHECK(err.code == AS_EDATA);
        FUZZ_CHECK(!as_json_parse(text, "fuzz", NULL));
        /* the walks stay inside their span even where nobody scanned it, and they end */
        size_t at = 0, before = 0;
        while (as_jobject_next((as_jspan){ text, AS_J_OBJECT }, &at, &key, &value)) {
            FUZZ_CHECK(at > before && at <= size);
            before = at;
        }
        at = before = 0;
        while (as_jarray_next((as_jspan){ text, AS_J_ARRAY }, &at, &value)) {
            FUZZ_CHECK(at > before && at <= size);
            before = at;
        }
    }
    return 0;
}
