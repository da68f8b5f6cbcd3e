/* sin_same_asymmetric.c -- sin: a is the same as b, but b is not the same as a.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_EXTENSION(id) (strcmp(id, ASSAY_EXT_ANSWER) == 0 ? &answer : NULL)
#include <assay/plugin.h>
#include <string.h>
static const assay_ext_answer answer;
#define SIN_ON_ITEM(call, b, i)                                                                    \
    if (((call)->flags & ASSAY_WANT_ANSWER) && (b)->completion[i].len)                             \
    (call)->emit(call, i, ASSAY_OUT_KEY, (b)->completion[i])
#include "good.h"
static assay_status extract(assay_verifier *v, const assay_call *call, const assay_batch *b,
                            assay_error *err)
{
    (void)v;
    (void)err;
    for (uint32_t i = 0; i < b->n; i++)
        if (b->completion[i].len)
            call->emit(call, i, ASSAY_OUT_KEY, b->completion[i]);
    return ASSAY_OK;
}
static int32_t same(assay_verifier *v, const assay_call *call, assay_str a, assay_str b)
{
    (void)v;
    (void)call;
    return a.len <= b.len;
}
static const assay_ext_answer answer = { .size = sizeof(assay_ext_answer),
                                         .extract = extract,
                                         .same = same };
