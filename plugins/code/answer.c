/* answer.c -- see answer.h. SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include "json.h"

#include <nettle/sha2.h>

static bool is_run(const cd_task *t)
{
    return t->kind == CD_STDIO;
}

/* White space that no comparison of outputs looks at. */
static void put_output(pc_buf *b, assay_str output)
{
    bool gap = false;
    for (size_t i = 0; i < output.len; i++) {
        if (pc_is_space(output.data[i])) {
            gap = true;
            continue;
        }
        if (gap)
            pc_buf_byte(b, ' ');
        gap = false;
        pc_buf_byte(b, output.data[i]);
    }
}

/* What one test showed: the value, or the word for having none. */
static void put_behaviour(pc_buf *b, const cd_task *t, const cd_test *test)
{
    bool odd, has_value = test->status == CD_OK || test->status == CD_WRONG_ANSWER;
    if (!has_value || !test->value.data)
        pc_buf_text(b, cd_status_word(test->status));
    else if (is_run(t))
        put_output(b, test->value);
    else
        (void)cd_canon(b, test->value, t->tolerance.list_is_tuple, &odd);
    pc_buf_byte(b, '\n');
}

static bool has_voted(const cd_task *t, const cd_test *calls)
{
    bool any = false;
    for (uint32_t i = 0; i < t->n; i++) {
        if (calls[i].status == CD_SANDBOX_ERROR || calls[i].status == CD_FLAKY)
            return false;
        any = any || (calls[i].value.data && calls[i].status <= CD_WRONG_ANSWER);
    }
    return any;
}

bool cd_key(pc_buf *out, const cd_task *t, const cd_test *calls)
{
    if (t->kind == CD_CHECK || !has_voted(t, calls))
        return false;
    pc_buf b = { 0 };
    for (uint32_t i = 0; i < t->n; i++)
        put_behaviour(&b, t, &calls[i]);
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&hash);
    sha256_update(&hash, b.len, (const uint8_t *)pc_buf_str(&b).data);
    sha256_digest(&hash, sizeof digest, digest);
    for (size_t i = 0; i < 16; i++)
        pc_buf_fmt(out, "%02x", digest[i]);
    bool ok = !b.failed;
    pc_buf_fini(&b);
    return ok;
}

static void put_repr(pc_buf *out, pc_buf *scratch, assay_str value)
{
    pc_buf_clear(scratch);
    cd_repr(scratch, value);
    cd_json_quote(out, pc_buf_str(scratch));
}

static bool is_writable(const cd_task *t, const cd_test *test)
{
    bool ok = test->value.data && test->status <= CD_WRONG_ANSWER;
    return ok && (is_run(t) || !cd_is_odd(test->value));
}

static bool put_pairs(pc_buf *out, const cd_task *t, const cd_test *calls, bool inputs)
{
    pc_buf scratch = { 0 };
    bool ok = true;
    for (uint32_t i = 0; ok && i < t->n; i++) {
        assay_str s = inputs ? t->input[i] : calls[i].value;
        ok = s.data && out->len + s.len < CD_ANSWER_MAX;
        if (i)
            pc_buf_byte(out, ',');
        if (ok && is_run(t))
            cd_json_quote(out, s);
        else if (ok)
            put_repr(out, &scratch, s);
    }
    ok = ok && !scratch.failed;
    pc_buf_fini(&scratch);
    return ok && out->len < CD_ANSWER_MAX;
}

bool cd_answer(pc_buf *out, const cd_task *t, const cd_test *calls)
{
    if (t->kind == CD_CHECK || (!is_run(t) && !t->entry))
        return false;
    for (uint32_t i = 0; i < t->n; i++)
        if (!is_writable(t, &calls[i]))
            return false;
    if (is_run(t)) {
        pc_buf_text(out, "{\"stdin\":[");
    } else {
        pc_buf_text(out, "{\"entry_point\":");
        cd_json_quote(out, (assay_str){ t->entry, strlen(t->entry) });
        pc_buf_text(out, ",\"format\":\"python\",\"inputs\":[");
    }
    bool ok = put_pairs(out, t, calls, true);
    pc_buf_text(out, is_run(t) ? "],\"stdout\":[" : "],\"outputs\":[");
    ok = ok && put_pairs(out, t, calls, false);
    pc_buf_text(out, "]}");
    return ok && !out->failed;
}
