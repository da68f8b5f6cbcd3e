/* fuzz_extract.c -- answer extraction on arbitrary texts: what is found lies inside the text, a
 * list falls apart into its boxes, and gold of gold is gold. SPDX-License-Identifier: Apache-2.0 */
#include "common/extract.h"
#include "fuzz.h"

static void check(assay_str text, const pc_rules *rules)
{
    pc_found found;
    pc_extract(&found, text, rules);
    if (!found.text.data) {
        FUZZ_CHECK(found.why && found.stage == PC_STAGE_NONE);
        return;
    }
    FUZZ_CHECK(found.stage != PC_STAGE_NONE && !found.truncated && !found.why);
    FUZZ_CHECK(found.text.data >= text.data &&
               found.text.data + found.text.len <= text.data + text.len);
    assay_str part;
    uint32_t n = 0;
    for (size_t at = 0; pc_part_next(&found, &at, &part); n++)
        FUZZ_CHECK(part.data >= found.text.data &&
                   part.data + part.len <= found.text.data + found.text.len);
    FUZZ_CHECK(n == found.n_list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const presets[] = { "math", "gsm8k", "strict" };
    char *copy = malloc(size + 1); /* data[len] == 0, as the ABI promises; and ASan sees the end */
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    copy[size] = 0;
    assay_str text = { copy, size };
    for (unsigned k = 0; k < 3; k++) {
        pc_rules rules;
        pc_rules_preset(&rules, presets[k]);
        rules.stages |= (k == 1) ? 1u << PC_STAGE_TAG : 0;
        rules.think = (pc_think)(size % 3);
        check(text, &rules);
    }
    assay_str gold = pc_gold(text);
    FUZZ_CHECK(gold.len <= size);
    free(copy);
    return 0;
}
