/* test_model_split.c -- what stands before merging: pre-tokenizers against the goldens of four
 * families, and normal forms. SPDX-License-Identifier: Apache-2.0 */
#include "model/split.h"

#include "golden.h"
#include "model/unicode.h"

static as_str text_of(const cJSON *object, const char *key)
{
    return as_str_of(golden_member(object, key)->valuestring);
}

typedef struct expected {
    const cJSON *next;
    const char *of;
} expected;

static void check_piece(void *ctx, as_str piece)
{
    expected *e = ctx;
    if (!e->next) {
        fail_msg("%s: a piece too many: %.*s", e->of, AS_FMT(piece));
        return;
    }
    if (!as_str_is(piece, e->next->valuestring))
        fail_msg("%s: \"%.*s\", expected \"%s\"", e->of, AS_FMT(piece), e->next->valuestring);
    e->next = e->next->next;
}

static void check_split(as_split_rule rule, const cJSON *one, const char *name)
{
    as_str text = text_of(one, "text"), piece;
    expected e = { cJSON_GetObjectItemCaseSensitive(one, name)->child, text.data };
    as_split split = as_split_start(rule, text);
    while (as_split_next(&split, &piece))
        check_piece(&e, piece);
    assert_null(e.next);
}

static void test_golden_pieces(void **state)
{
    (void)state;
    cJSON *tree = golden_json("models/golden_pretokenizers.json"), *one;
    const cJSON *patterns = cJSON_GetObjectItemCaseSensitive(tree, "regex");
    static const char *const names[] = { "gpt2", "qwen2", "llama3" };
    as_split_kind kinds[3];
    for (int i = 0; i < 3; i++)
        assert_true(as_split_kind_of(text_of(patterns, names[i]), &kinds[i]));
    assert_false(as_split_kind_of(AS_LIT("\\w+"), &kinds[0]));
    int n = 0;
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(tree, "cases"))
    {
        for (int i = 0; i < 3; i++)
            check_split((as_split_rule){ kinds[i], AS_DIGITS_KEPT }, one, names[i]);
        check_split((as_split_rule){ AS_SPLIT_GPT2, AS_DIGITS_SINGLE }, one, "smollm2_digits+gpt2");
        n++;
    }
    assert_true(n >= 29);
    cJSON_Delete(tree);
}

/* Normal forms as Python's unicodedata has them. */
static void test_nfc(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "a\u0301\u0323b", "\u1EA1\u0301b" },            /* marks in their order */
        { "e\u0323\u0301\u0301", "\u1EB9\u0301\u0301" },  /* one joins, two stay */
        { "x\u0323\u0301\u0323", "x\u0323\u0323\u0301" }, /* none joins */
        { "\u00E9\u0323", "\u1EB9\u0301" },               /* taken apart first */
        { "\u1100\u1161\u11A8", "\uAC01" },               /* Hangul by arithmetic */
        { "\uAC00\u11A8\u1161", "\uAC01\u1161" },
        { "\u212B \u2126", "\u00C5 \u03A9" }, /* singletons */
        { "\u0958", "\u0915\u093C" },         /* left out of composition */
        { "\u0344", "\u0308\u0301" },
        { "o\u0302\u0301p \u0301", "\u1ED1p \u0301" },
        { "plain \u00E9 \u65E5\u672C", "plain \u00E9 \u65E5\u672C" },
        { "\xFF"
          "e\u0301\xCC"
          "e\u0301",
          "\xFF\u00E9\xCC\u00E9" }, /* bytes that are no UTF-8 */
    };
    as_nfc nfc = { 0 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(as_nfc_run(&nfc, as_str_of(cases[i].in), NULL), 0);
        assert_string_equal(nfc.text.data, cases[i].out);
        assert_int_equal(nfc.n_edits > 0, strcmp(cases[i].in, cases[i].out) != 0);
        /* and it is a fixed point */
        as_str once = as_str_of(cases[i].out);
        assert_int_equal(as_nfc_run(&nfc, once, NULL), 0);
        assert_true(as_str_eq(as_buf_str(&nfc.text), once) && nfc.n_edits == 0);
    }
    as_nfc_fini(&nfc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_pieces),
        cmocka_unit_test(test_nfc),
    };
    return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
