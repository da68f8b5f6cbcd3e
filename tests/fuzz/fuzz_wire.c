/* fuzz_wire.c -- what a mad worker may send: replies and batches of any bytes must be refused or
 * used safely. SPDX-License-Identifier: Apache-2.0 */
#include "plug/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_reply(as_str payload, as_arena *arena)
{
    as_wire_reply reply;
    as_results r;
    if (as_wire_reply_parse(&reply, payload, NULL) < 0)
        return;
    if (reply.n <= 4096 && as_results_init(&r, reply.n, arena, NULL) == 0)
        (void)as_wire_reply_apply(&reply, &r, 0, reply.n, NULL);
    /* what a host reads beyond the rows */
    uint64_t sum = 0;
    for (uint32_t i = 0; reply.classes && i < reply.n; i++)
        sum += reply.classes[i];
    for (size_t i = 0; i < reply.error.len; i++)
        sum += (unsigned char)reply.error.data[i];
    if (sum == UINT64_MAX)
        abort(); /* keeps the sums alive */
}

static void try_items(as_str payload, as_arena *arena)
{
    as_items items;
    uint32_t part, want;
    as_wire_reader r = as_wire_read(payload);
    if (as_wire_items(&r, &items, &part, &want, arena, NULL) < 0)
        return;
    for (uint32_t i = 0; i < items.n; i++) {
        const as_str texts[] = { items.prompt[i], items.completion[i], items.reference[i],
                                 items.meta[i] };
        for (size_t c = 0; c < 4; c++) {
            if (texts[c].data && texts[c].data[texts[c].len] != 0)
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_arena arena;
    as_arena_init(&arena, 64 << 20);
    /* a copy of its own: 8-aligned, and nothing readable behind it */
    char *copy = malloc(size ? size : 1);
    if (copy && size)
        memcpy(copy, data, size);
    if (copy) {
        try_reply((as_str){ copy, size }, &arena);
        try_items((as_str){ copy, size }, &arena);
    }
    free(copy);
    as_arena_fini(&arena);
    return 0;
}
