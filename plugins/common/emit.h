/* emit.h -- verdict, score and texts of one item in one call.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PC_EMIT_H
#define PC_EMIT_H
#include "common/mem.h"
#include "common/text.h"

#include <math.h>

static inline assay_status pc_emit(const assay_call *call, uint32_t item, uint32_t channel,
                                   assay_str text)
{
    assay_status rc = call->emit(call, item, channel, text);
    if (rc == ASSAY_E_NOMEM) /* a key that got lost would be a blank vote */
        pc_memory_lost();
    return rc;
}
static inline assay_status pc_emit_text(const assay_call *call, uint32_t item, uint32_t channel,
                                        const char *text)
{
    return pc_emit(call, item, channel, (assay_str){ text, strlen(text) });
}
/* Row i of a column, absent where the host gave no column. */
static inline assay_str pc_col(const assay_str *column, uint32_t i)
{
    return column ? column[i] : (assay_str){ NULL, 0 };
}
static inline bool pc_wants(const assay_call *call, uint32_t flag)
{
    return (call->flags & flag) != 0;
}
static inline bool pc_cancelled(const assay_call *call)
{
    return call->cancelled && call->cancelled(call);
}
/* Sets both columns; `rule` and `reason` may be NULL. The score of ABSTAIN and ERROR is NaN
 * whatever is given. The last thing done to an item: where memory was lost on the way, it is ERROR
 * whatever is given, since a failure of ours is never a score. */
static inline void pc_set(const assay_call *call, assay_scores *out, uint32_t i,
                          assay_verdict verdict, float score, const char *rule, const char *reason)
{
    if (rule)
        pc_emit_text(call, i, ASSAY_OUT_RULE, rule);
    if (reason)
        pc_emit_text(call, i, ASSAY_OUT_REASON, reason);
    if (pc_memory_was_lost()) {
        verdict = ASSAY_ERROR;
        (void)call->emit(call, i, ASSAY_OUT_REASON, (assay_str){ "out of memory", 13 });
    }
    if (out->verdict)
        out->verdict[i] = verdict;
    if (out->score)
        out->score[i] = verdict == ASSAY_ABSTAIN || verdict == ASSAY_ERROR ? (float)NAN : score;
}
#endif
