/* run.h -- a program's tests in the sandbox: jobs made, run again where in doubt, and what each
 * test came to. SPDX-License-Identifier: Apache-2.0 */
#ifndef CODE_RUN_H
#define CODE_RUN_H
#include "extract.h"
#include "status.h"

typedef enum cd_rerun { CD_RERUN_DOUBT, CD_RERUN_NEVER, CD_RERUN_ALWAYS } cd_rerun;

typedef struct cd_limits {
    uint32_t cpu_ms, wall_ms, mem_mib, out_kib; /* wall_ms 0: after the processor time */
    const char *policy, *prelude;               /* NULL: the sandbox's */
    cd_rerun rerun;
    uint32_t per_process; /* calls that share one */
} cd_limits;

typedef struct cd_test { /* what one test came to */
    int32_t status;
    uint64_t cpu_us;  /* of its process, which it may share */
    assay_str value;  /* of a call: typed; of a run: stdout. Absent unless ok or wrong_answer */
    assay_str errors; /* for people */
} cd_test;

typedef struct cd_runner {
    const assay_host *host;
    const assay_svc_sandbox *box;
    const assay_call *call;
    cd_limits limits;
    bool all;          /* run every test, though one has failed */
    bool for_fraction; /* ... and though one has hung, until `until_ns` */
    int64_t until_ns;  /* CLOCK_MONOTONIC */
    cd_pool *pool;     /* of the item */
    assay_error *err;
    assay_status failed; /* the service's, of a whole call: nothing is known then */
} cd_runner;

/* Runs the task's tests with this program. `tests`: cd_task_tests() of them, in the pool. `calls`
 * (may be NULL): of asserts, the calls they consist of, task->n. Prepares the task where that has
 * not been done. */
void cd_run(cd_runner *r, cd_task *task, const cd_program *program, cd_test **tests,
            cd_test **calls);
/* Evaluates what the tests leave to Python, and measures the reference solution. May set task->why.
 */
void cd_prepare(cd_runner *r, cd_task *task);

/* run_jobs.c: calls [which[0..n)] of one source; outcomes in `out` by the same index. Stops after
 * the first that is not ok unless r->all. */
void cd_run_calls(cd_runner *r, const cd_task *task, assay_str source, const char *entry,
                  const uint32_t *which, uint32_t n, cd_test *out);
void cd_run_stdio(cd_runner *r, const cd_task *task, assay_str source, cd_test *out);
/* The test program with the solution in another process. */
void cd_run_tester(cd_runner *r, const cd_task *task, const cd_program *program, assay_str tester,
                   cd_test *out);
/* A trusted program's calls, without doubts or limits of the task: f(i) for i < n. cpu_ms: of all.
 */
void cd_run_trusted(cd_runner *r, assay_str source, const char *entry, const assay_str *calls,
                    uint32_t n, uint32_t cpu_ms, cd_test *out);

/* checker.c: of outputs [from, from + n) that came about, those that the checker refuses are wrong.
 */
void cd_check_outputs(cd_runner *r, const cd_task *t, uint32_t from, uint32_t n, cd_test *out);

/* compare.c */
bool cd_accepts(const cd_task *task, uint32_t test, assay_str got); /* a call's value */
bool cd_accepts_output(const cd_task *task, uint32_t test, assay_str got);
#endif
