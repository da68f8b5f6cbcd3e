/* fuzz_extract.c -- answer extraction on arbitrary texts: what is found lies inside the text, a
 * list falls apart into its boxes, a gold is never empty where the reference is not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/extract.h"
#include "fuzz.h"

static bool is_inside(assay_str part, assay_str text)
{
    return part.data >= text.data && part.data + part.len <= text.data + text.len;
}

static void check_parts(const pc_found *found)
{
    assay_str part;
    uint32_t n = 0;
    for (size_t at = 0; pc_part_next(found, &at, &part); n++)
        FUZZ_CHECK(is_inside(part, found->text));
    FUZZ_CHECK(n == found->n_list);
    pc_buf joined = { 0 };
    pc_found_text(found, &joined);
    FUZZ_CHECK(joined.failed || joined.len <= found->text.len + 2 * (size_t)n);
    pc_buf_fini(&joined);
}

static void check(assay_str text, const pc_rules *rules)
{
    pc_found found;
    pc_extract(&found, text, rules);
    if (!found.text.data) {
        FUZZ_CHECK(found.why && found.stage == PC_STAGE_NONE && found.n_list == 0);
        return;
    }
    FUZZ_CHECK(found.stage != PC_STAGE_NONE && !found.truncated && !found.why);
    FUZZ_CHECK(found.text.len > 0 && is_inside(found.text, text));
    check_parts(&found);
}

static void check_prose(assay_str text)
{
    for (int last = 0; last < 2; last++) {
        pc_found found;
        bool any = pc_answer_in_prose(text, last == 1, &found);
        FUZZ_CHECK(any == (found.text.data != NULL) && any == found.from_prose);
        FUZZ_CHECK(!any || (found.text.len > 0 && is_inside(found.text, text)));
        FUZZ_CHECK(any || found.why);
    }
}

static void check_gold(assay_str text)
{
    pc_found found;
    pc_gold_answer(text, &found);
    FUZZ_CHECK(found.text.data && is_inside(found.text, text) && !found.truncated);
    FUZZ_CHECK(found.text.len > 0 || pc_is_blank(text));
    check_parts(&found);
    pc_buf half = { 0 };
    pc_halve_backslashes(text, &half);
    FUZZ_CHECK(half.failed || (half.len <= text.len && 2 * half.len >= text.len));
    FUZZ_CHECK(!pc_backslashes_doubled(text) || half.failed || half.len < text.len);
    pc_buf_fini(&half);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); /* data[len] == 0, as the ABI promises; and ASan sees the end */
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    copy[size] = 0;
    assay_str text = { copy, size };
    for (unsigned k = 0; pc_preset_names[k]; k++) {
        pc_rules rules;
        FUZZ_CHECK(pc_rules_preset(&rules, pc_preset_names[k]));
        rules.think = (pc_think)(size % 3);
        check(text, &rules);
    }
    check_prose(text);
    check_gold(text);
    free(copy);
    return 0;
}
