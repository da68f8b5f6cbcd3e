/* tree_finding.c -- reasons as words. SPDX-License-Identifier: Apache-2.0 */
#include "math/finding.h"

const char *math_reason_text(math_reason reason, unsigned blame)
{
    bool gold = blame == MATH_BLAME_A;
    switch (reason) {
    case WHY_UNPARSED:
        return gold ? "the reference cannot be read" : "the answer cannot be read";
    case WHY_BUDGET:
        return gold ? "the reference costs more than is allowed to evaluate"
                    : "the answer costs more than is allowed to evaluate";
    case WHY_OPAQUE:
        return "a function, sum or integral of which nothing is known";
    case WHY_ZERO_TEST:
        return "the values agree as far as they were computed, and no proof was found";
    case WHY_UNDEFINED:
        return gold ? "the reference has no value" : "the answer has no value";
    case WHY_POLICY:
        return "whether these are equal is a matter of convention";
    case WHY_NONE:
        break;
    }
    return "";
}
