/* test_check_items.c -- `plugin check` finds each sin in how items are judged by the test that is
 * meant to find it. SPDX-License-Identifier: Apache-2.0 */
#include "check_rows.h"

static const check_row rows[] = {
    { .plugin = "sin_empty_batch", .failing = "empty_batch", .says = "ASSAY_E_ARG" },
    { .plugin = "sin_text_empty", .failing = "text_empty", .says = "signal 6" },
    { .plugin = "sin_text_nul", .failing = "text_nul", .says = "signal 6" },
    { .plugin = "sin_text_utf8", .failing = "text_utf8", .says = "signal 6" },
    { .plugin = "sin_text_absent", .failing = "text_absent" },
    { .plugin = "sin_text_large", .failing = "text_large", .says = "signal 6" },
    { .plugin = "sin_columns", .failing = "columns" },
    { .plugin = "sin_unset", .failing = "verdicts", .says = "UNSET" },
    { .plugin = "sin_range", .failing = "range", .says = "score 100" },
    { .plugin = "sin_nan", .failing = "nan", .says = "verdict pass with score" },
    { .plugin = "sin_abstain_zero", .failing = "nan", .says = "verdict abstain with score 0" },
    { .plugin = "sin_metrics", .failing = "emits", .says = "METRICS" },
    { .plugin = "sin_rule", .failing = "emits", .says = "RULE" },
    { .plugin = "sin_channel", .failing = "emits", .says = "no such channel" },
    { .plugin = "sin_explain", .failing = "emits", .says = "not valid UTF-8" },
};

int main(void)
{
    return check_all(rows, sizeof rows / sizeof *rows);
}
