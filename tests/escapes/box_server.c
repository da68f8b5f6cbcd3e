/* box_server.c -- the sandbox behind a pipe, for the tests here: jobs in, results out, one at a
 * time. A frame is little-endian; a text is a uint32 length (0xffffffff: absent) and its bytes.
 *
 *   in:  8 uint32 (n_calls, n_files, cpu_ms, wall_ms, mem_mib, out_kib, procs, seed), then
 *        language, policy, prelude, entry point, source, input, tester, tester's call, calls,
 *        files (name, data)
 *   out: 4 int32 (exit code, signal, denied system call, n_values), 3 uint64 (cpu and wall in us,
 *        peak KiB), then status, denied name, note, output, errors, values (status, value, error)
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CALLS = 64, FIRST_CALL = 8, MOST_TEXTS = FIRST_CALL + 3 * MOST_CALLS };

static asbx_text texts[MOST_TEXTS];
static char *memory[MOST_TEXTS]; /* of them */

static bool get(void *out, size_t len)
{
    return fread(out, 1, len, stdin) == len;
}

static bool get_text(size_t i)
{
    uint32_t len;
    texts[i] = (asbx_text){ NULL, 0 };
    if (!get(&len, sizeof len))
        return false;
    if (len == UINT32_MAX)
        return true;
    char *data = malloc((size_t)len + 1);
    if (!data)
        return false;
    data[len] = 0;
    memory[i] = data;
    texts[i] = (asbx_text){ data, len };
    return get(data, len);
}

static void free_texts(void)
{
    for (size_t i = 0; i < MOST_TEXTS; i++) {
        free(memory[i]);
        memory[i] = NULL;
        texts[i] = (asbx_text){ NULL, 0 };
    }
}

static void put(const void *data, size_t len)
{
    if (len) /* of nothing there may be no pointer */
        (void)fwrite(data, 1, len, stdout);
}

static void put_text(asbx_text t)
{
    uint32_t len = (uint32_t)t.len;
    put(&len, sizeof len);
    put(t.data, t.len);
}

static void put_string(const char *s)
{
    put_text((asbx_text){ s, strlen(s) });
}

static void answer(const asbx_result *r)
{
    const int32_t head[4] = { r->exit_code, r->signal, r->denied_syscall, (int32_t)r->n_values };
    const uint64_t cost[3] = { r->cpu_us, r->wall_us, r->peak_kib };
    put(head, sizeof head);
    put(cost, sizeof cost);
    put_string(asbx_status_word(r->status));
    put_string(r->denied_name);
    put_string(r->note);
    put_text(r->output);
    put_text(r->errors);
    for (uint32_t i = 0; i < r->n_values; i++) {
        put_string(asbx_status_word(r->values[i].status));
        put_text(r->values[i].value);
        put_text(r->values[i].error);
    }
    (void)fflush(stdout);
}

/* False: no more jobs. */
static bool serve(asbx *box)
{
    uint32_t head[8];
    asbx_file files[MOST_CALLS];
    if (!get(head, sizeof head) || head[0] > MOST_CALLS || head[1] > MOST_CALLS)
        return false;
    size_t n = FIRST_CALL + head[0] + (size_t)2 * head[1];
    for (size_t i = 0; i < n; i++)
        if (!get_text(i))
            return false;
    for (uint32_t i = 0; i < head[1]; i++)
        files[i] = (asbx_file){ texts[FIRST_CALL + head[0] + 2 * i],
                                texts[FIRST_CALL + 1 + head[0] + 2 * i] };
    const asbx_job job = { .language = texts[0].data,
                           .policy = texts[1].data,
                           .prelude = texts[2].data,
                           .entry_point = texts[3].data,
                           .entry_len = texts[3].len,
                           .source = texts[4],
                           .input = texts[5],
                           .tester = texts[6],
                           .tester_call = texts[7].data,
                           .calls = texts + FIRST_CALL,
                           .n_calls = head[0],
                           .files = files,
                           .n_files = head[1],
                           .limits = { .cpu_ms = head[2],
                                       .wall_ms = head[3],
                                       .mem_mib = head[4],
                                       .out_kib = head[5],
                                       .procs = head[6] },
                           .seed = head[7] };
    asbx_result *r = asbx_run(box, &job);
    if (r)
        answer(r);
    asbx_result_free(r);
    free_texts();
    return r != NULL;
}

/* HELPERS [SLOTS [JOBS_PER_ZYGOTE [PYTHON]]] */
int main(int argc, char **argv)
{
    asbx_error err = { "" };
    const asbx_options options = {
        .helper_dir = argc > 1 ? argv[1] : NULL,
        .slots = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1,
        .jobs_per_zygote = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0,
        .python = argc > 4 ? argv[4] : NULL,
    };
    asbx *box = asbx_open(&options, &err);
    if (!box) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 3;
    }
    while (serve(box))
        ;
    free_texts();
    asbx_close(box);
    return 0;
}
