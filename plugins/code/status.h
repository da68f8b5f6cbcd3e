/* status.h -- what became of a program or a test: the sandbox's list of words, in its order (a test
 * compares them). SPDX-License-Identifier: Apache-2.0 */
#ifndef CODE_STATUS_H
#define CODE_STATUS_H
#include "common/text.h"

#define CD_STATUS_LIST(X)                                                                          \
    X(OK, "ok", PASS)                                                                              \
    X(WRONG_ANSWER, "wrong_answer", FAIL)                                                          \
    X(RUNTIME_ERROR, "runtime_error", FAIL)                                                        \
    X(COMPILE_ERROR, "compile_error", FAIL)                                                        \
    X(TLE_CPU, "tle_cpu", TIMEOUT)                                                                 \
    X(TLE_WALL, "tle_wall", TIMEOUT)                                                               \
    X(MLE, "mle", FAIL)                                                                            \
    X(OLE, "ole", FAIL)                                                                            \
    X(PIDS_LIMIT, "pids_limit", FAIL)                                                              \
    X(VIOLATION, "sandbox_violation", FAIL)                                                        \
    X(NO_RESULT, "no_result", FAIL)                                                                \
    X(FLAKY, "flaky", ABSTAIN)                                                                     \
    X(SANDBOX_ERROR, "sandbox_error", ERROR)
enum {
#define X(name, word, verdict) CD_##name,
    CD_STATUS_LIST(X)
#undef X
        CD_STATUSES,
    CD_NOT_RUN = -1 /* of ours: an earlier test decided */
};
static inline const char *cd_status_word(int32_t status)
{
    static const char *const words[] = {
#define X(name, word, verdict) word,
        CD_STATUS_LIST(X)
#undef X
    };
    return status >= 0 && status < CD_STATUSES ? words[status]
           : status == CD_NOT_RUN              ? "not_run"
                                               : "sandbox_error";
}
static inline assay_verdict cd_status_verdict(int32_t status)
{
    static const assay_verdict verdicts[] = {
#define X(name, word, verdict) ASSAY_##verdict,
        CD_STATUS_LIST(X)
#undef X
    };
    return status >= 0 && status < CD_STATUSES ? verdicts[status] : ASSAY_ERROR;
}
#endif
