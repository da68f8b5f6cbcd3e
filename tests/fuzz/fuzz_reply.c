/* fuzz_reply.c -- what a server answers: a sample, its models, its complaint.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "remote/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const as_str body = { (const char *)data, size };
    as_remote_sample sample = { 0 };
    as_str name, owner;
    as_err err = { 0 };
    as_arena arena;
    as_buf said;
    as_arena_init(&arena, (size_t)64 << 20);
    as_buf_init(&said, 1 << 16);
    if (as_reply_sample(body, &arena, &sample, &err) == 0) {
        double sum = 0;
        for (size_t i = 0; sample.logp && i < sample.n; i++)
            sum += (double)sample.logp[i];
        for (size_t i = 0; sample.ids && i < sample.n; i++)
            sum += sample.ids[i];
        FUZZ_CHECK(sum < 1e40 && sample.text.data && sample.finish.data);
    }
    (void)as_reply_model(body, size % 2 ? "m" : NULL, &arena, &name, &owner, NULL);
    (void)as_reply_version(body, &arena);
    as_reply_complaint(&said, body);
    FUZZ_CHECK(said.len <= 200);
    as_buf_fini(&said);
    as_arena_fini(&arena);
    return 0;
}
