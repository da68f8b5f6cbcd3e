/* fuzz_item.c -- any bytes as a line of items. What is accepted can be written again and reads the
 * same. SPDX-License-Identifier: Apache-2.0 */
#include "data/item.h"

#include "base/buf.h"
#include "fuzz.h"

static void check_text(as_str s)
{
    FUZZ_CHECK(!s.data || s.data[s.len] == 0);
    FUZZ_CHECK(s.data || s.len == 0);
}

static void add_string(as_buf *line, const char *key, as_str text)
{
    if (!text.data)
        return;
    as_buf_json_key(line, key);
    as_buf_json_str(line, text);
}

static void add_raw(as_buf *line, const char *key, as_str raw)
{
    if (!raw.data)
        return;
    FUZZ_CHECK(as_json_scan(raw, NULL, NULL) == 0);
    as_buf_json_key(line, key);
    as_buf_add(line, raw);
}

static void check_same(as_str a, as_str b)
{
    FUZZ_CHECK(as_str_eq(a, b) && !a.data == !b.data);
}

/* Prompt and reference may have been raw JSON; as strings they hold the same text. */
static void check_again(const as_item *item, as_arena *arena)
{
    as_buf line;
    as_item back;
    as_buf_init(&line, 1u << 30);
    as_buf_byte(&line, '{');
    add_raw(&line, "id", item->id);
    add_raw(&line, "group", item->group);
    add_string(&line, "prompt", item->prompt);
    if (item->has_completion)
        add_string(&line, "completion", item->completion);
    add_string(&line, "reference", item->reference);
    add_raw(&line, "meta", item->meta);
    add_string(&line, "key", item->key);
    add_string(&line, "answer", item->answer);
    if (item->is_result)
        add_raw(&line, "verdict", AS_LIT("\"pass\""));
    as_buf_byte(&line, '}');
    FUZZ_CHECK(as_item_parse(as_buf_str(&line), arena, &back, NULL) == 0);
    check_same(back.id, item->id);
    check_same(back.group, item->group);
    check_same(back.prompt, item->prompt);
    check_same(back.completion, item->completion);
    check_same(back.reference, item->reference);
    check_same(back.meta, item->meta);
    check_same(back.key, item->key);
    check_same(back.answer, item->answer);
    FUZZ_CHECK(back.is_result == item->is_result && back.n_replaced == 0);
    as_buf_fini(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_arena arena;
    as_err err = { 0 };
    as_item items[2];
    as_items columns;
    as_arena_init(&arena, 0);
    if (as_item_parse((as_str){ (const char *)data, size }, &arena, &items[0], &err) == 0) {
        FUZZ_CHECK(items[0].has_completion || items[0].is_result);
        check_text(items[0].prompt);
        check_text(items[0].completion);
        check_text(items[0].reference);
        check_text(items[0].meta);
        check_again(&items[0], &arena);
        items[1] = items[0];
        items[1].line_no = 1;
        FUZZ_CHECK(as_items_build(&columns, items, 2, 1, &arena, &err) == 0);
        FUZZ_CHECK(columns.group[1] == (items[0].group.data ? 0 : 1));
        FUZZ_CHECK((columns.seed[0] == columns.seed[1]) == (items[0].id.data != NULL));
    } else {
        FUZZ_CHECK(err.code == AS_EDATA && err.text[0] != 0);
    }
    as_arena_fini(&arena);
    return 0;
}
