/* checker.c -- outputs that only a program can judge: the task's own check(input, output,
 * expected), in a process of its own that never held the solution. Where the checker itself fails,
 * nothing is known of the solution: the test is an error of ours. But a checker that accepts the
 * wanted output and raises on this one says that this one is none: garbage does not buy its way out
 * of the loss. SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

/* As text of Python's; bytes that are not UTF-8 become U+FFFD. */
static void put_argument(pc_buf *b, assay_str text)
{
    pc_buf clean = { 0 };
    if (!text.data) {
        pc_buf_byte(b, 'N');
        return;
    }
    for (size_t at = 0, n; at < text.len; at += n) {
        uint32_t cp;
        n = pc_utf8(text, at, &cp);
        if (cp == UINT32_MAX)
            pc_buf_text(&clean, "\xef\xbf\xbd");
        else
            pc_buf_add(&clean, text.data + at, n);
    }
    cd_put_text(b, 's', pc_buf_str(&clean));
    b->failed = b->failed || clean.failed;
    pc_buf_fini(&clean);
}

static assay_str call_of(cd_runner *r, const cd_task *t, uint32_t i, assay_str output)
{
    pc_buf b = { 0 };
    pc_buf_text(&b, "(3");
    put_argument(&b, t->input[i]);
    put_argument(&b, output);
    put_argument(&b, t->has_wants ? t->want[i] : (assay_str){ NULL, 0 });
    assay_str call = cd_take_buf(r->pool, &b);
    pc_buf_fini(&b);
    return call;
}

static assay_str why_of(cd_runner *r, const cd_test *answer)
{
    pc_buf b = { 0 };
    assay_str said = pc_trim(answer->errors.data ? answer->errors : PC_LIT(""));
    size_t nl = pc_rfind(said, "\n", said.len);
    said = nl == PC_NONE ? said : pc_from(said, nl + 1);
    pc_buf_fmt(&b, "the checker failed: %s%s", cd_status_word(answer->status),
               said.len ? ": " : "");
    if (answer->status == CD_OK)
        pc_buf_text(&b, ", but it returned neither True nor False");
    pc_buf_add(&b, said.data, said.len);
    assay_str why = cd_take_buf(r->pool, &b);
    pc_buf_fini(&b);
    return why;
}

static uint32_t time_of(const cd_runner *r, const cd_task *t)
{
    enum { LEAST_MS = 400 };
    uint32_t cpu = 2 * (t->cpu_ms ? t->cpu_ms : r->limits.cpu_ms);
    return cpu > LEAST_MS ? cpu : LEAST_MS;
}

/* Does the checker work on this test, when what is wanted was written? */
static bool accepts_wanted(cd_runner *r, const cd_task *t, uint32_t i)
{
    cd_test answer = { .status = CD_NOT_RUN };
    if (!t->has_wants || !t->want[i].data)
        return false;
    const assay_str call = call_of(r, t, i, t->want[i]);
    if (call.data && !pc_memory_is_lost())
        cd_run_trusted(r, t->checker, "check", &call, 1, time_of(r, t), &answer);
    return r->failed == ASSAY_OK && answer.status == CD_OK && pc_is(answer.value, "T");
}

void cd_check_outputs(cd_runner *r, const cd_task *t, uint32_t from, uint32_t n, cd_test *out)
{
    assay_str *calls = cd_alloc(r->pool, n + 1u, sizeof *calls);
    uint32_t *which = cd_alloc(r->pool, n + 1u, sizeof *which), k = 0;
    cd_test *answers = cd_alloc(r->pool, n + 1u, sizeof *answers);
    for (uint32_t i = from; calls && which && i < from + n; i++) {
        if (out[i].status != CD_OK)
            continue;
        calls[k] = call_of(r, t, i, out[i].value);
        which[k++] = i;
    }
    if (!k || !answers || pc_memory_is_lost())
        return;
    cd_run_trusted(r, t->checker, "check", calls, k, time_of(r, t), answers);
    for (uint32_t i = 0; i < k && r->failed == ASSAY_OK; i++) {
        cd_test *test = &out[which[i]];
        if (answers[i].status == CD_OK && pc_is(answers[i].value, "T"))
            continue;
        bool no = (answers[i].status == CD_OK && pc_is(answers[i].value, "F")) ||
                  (answers[i].status == CD_RUNTIME_ERROR && accepts_wanted(r, t, which[i]));
        test->status = no ? CD_WRONG_ANSWER : CD_SANDBOX_ERROR;
        if (!no)
            test->errors = why_of(r, &answers[i]);
    }
}
