/* item.c -- one line to one item, n items to columns.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/item.h"

#include "base/hash.h"
#include "base/rng.h"

#include <math.h>

typedef enum member {
    ID,
    GROUP,
    PROBLEM_ID,
    TASK_ID,
    PROMPT,
    COMPLETION,
    REFERENCE,
    META,
    KEY,
    ANSWER,
    SUM_LOGP,
    VERDICT,
    N_MEMBERS
} member;

static const as_str names[N_MEMBERS] = {
    [ID] = { "id", 2 },
    [GROUP] = { "group", 5 },
    [PROBLEM_ID] = { "problem_id", 10 },
    [TASK_ID] = { "task_id", 7 },
    [PROMPT] = { "prompt", 6 },
    [COMPLETION] = { "completion", 10 },
    [REFERENCE] = { "reference", 9 },
    [META] = { "meta", 4 },
    [KEY] = { "key", 3 },
    [ANSWER] = { "answer", 6 },
    [SUM_LOGP] = { "sum_logp", 8 },
    [VERDICT] = { "verdict", 7 },
};

static member member_of(as_jspan key)
{
    as_str s = { key.text.data + 1, key.text.len - 2 };
    unsigned m = 0;
    if (memchr(s.data, '\\', s.len)) { /* "\u0069d" is a rare way to write "id", but it is one */
        while (m < N_MEMBERS && !as_jspan_is(key, names[m].data))
            m++;
        return (member)m;
    }
    while (m < N_MEMBERS && !as_str_eq(s, names[m]))
        m++;
    return (member)m;
}

/* The values of the members read here; text.data NULL where one is not there. */
static int find_members(as_jspan line, as_jspan found[N_MEMBERS], as_err *err)
{
    as_jspan key, value;
    size_t at = 0;
    memset(found, 0, N_MEMBERS * sizeof *found);
    while (as_jobject_next(line, &at, &key, &value)) {
        member m = member_of(key);
        if (m == N_MEMBERS)
            continue;
        if (found[m].text.data)
            return as_fail(err, AS_EDATA, "duplicate key \"%s\"", names[m].data);
        found[m] = value;
    }
    return 0;
}

static bool is_there(as_jspan v)
{
    return v.kind != AS_J_NONE && v.kind != AS_J_NULL;
}

static bool is_integer(as_jspan v)
{
    for (size_t i = 0; i < v.text.len; i++)
        if (strchr(".eE", v.text.data[i]))
            return false;
    return v.kind == AS_J_NUMBER;
}

static int take_name(as_jspan v, member m, as_str *out, as_err *err)
{
    if (!is_there(v))
        return 0;
    if (v.kind != AS_J_STRING && !is_integer(v))
        return as_fail(err, AS_EDATA, "\"%s\" must be a string or an integer", names[m].data);
    *out = v.text;
    return 0;
}

static int no_memory(as_err *err)
{
    return as_fail(err, AS_ENOMEM, "out of memory for the item's texts");
}

/* A string unescaped, anything else as it stands; both with a NUL behind, as plugins expect. */
static int take_text(as_jspan v, as_arena *arena, as_item *item, as_str *out, as_err *err)
{
    if (!is_there(v))
        return 0;
    *out = v.kind == AS_J_STRING ? as_jstring(v, arena, &item->n_replaced)
                                 : as_arena_str(arena, v.text);
    return out->data ? 0 : no_memory(err);
}

static int take_completion(as_jspan v, as_arena *arena, as_item *item, as_err *err)
{
    item->has_completion = v.kind != AS_J_NONE;
    if (!item->has_completion)
        return item->is_result
                   ? 0
                   : as_fail(err, AS_EDATA,
                             "\"completion\" is missing (a string: the model's answer)");
    if (v.kind == AS_J_NULL)
        item->completion = AS_LIT("");
    else if (v.kind != AS_J_STRING)
        return as_fail(err, AS_EDATA, "\"completion\" must be a string or null");
    return take_text(v, arena, item, &item->completion, err);
}

static int take_meta(as_jspan v, as_arena *arena, as_item *item, as_err *err)
{
    if (is_there(v) && v.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "\"meta\" must be an object");
    return take_text(v, arena, item, &item->meta, err);
}

static int take_sum_logp(as_jspan v, as_item *item, as_err *err)
{
    item->sum_logp = (double)NAN;
    if (is_there(v) && !as_jnumber(v, &item->sum_logp))
        return as_fail(err, AS_EDATA, "\"sum_logp\" must be a finite number");
    return 0;
}

static int take_names(const as_jspan found[N_MEMBERS], as_item *item, as_err *err)
{
    static const member groups[] = { GROUP, PROBLEM_ID, TASK_ID };
    int rc = take_name(found[ID], ID, &item->id, err);
    for (unsigned i = 0; rc == 0 && !item->group.data && i < sizeof groups / sizeof *groups; i++)
        rc = take_name(found[groups[i]], groups[i], &item->group, err);
    return rc;
}

int as_item_parse(as_str line, as_arena *arena, as_item *out, as_err *err)
{
    as_jspan object, found[N_MEMBERS];
    *out = (as_item){ .sum_logp = (double)NAN };
    int rc = as_json_scan(line, &object, err);
    if (rc < 0)
        return rc;
    if (object.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA,
                       "column 1: not an object; a line is {\"id\": ..., \"completion\": ...}");
    rc = find_members(object, found, err);
    if (rc < 0)
        return rc;
    out->is_result = found[VERDICT].kind != AS_J_NONE;
    out->is_error = as_jspan_is(found[VERDICT], "error");
    rc = take_names(found, out, err);
    if (rc == 0)
        rc = take_completion(found[COMPLETION], arena, out, err);
    if (rc == 0)
        rc = take_text(found[PROMPT], arena, out, &out->prompt, err);
    if (rc == 0)
        rc = take_text(found[REFERENCE], arena, out, &out->reference, err);
    if (rc == 0)
        rc = take_meta(found[META], arena, out, err);
    if (rc == 0 && found[KEY].kind == AS_J_STRING)
        rc = take_text(found[KEY], arena, out, &out->key, err);
    if (rc == 0 && found[ANSWER].kind == AS_J_STRING)
        rc = take_text(found[ANSWER], arena, out, &out->answer, err);
    return rc == 0 ? take_sum_logp(found[SUM_LOGP], out, err) : rc;
}

/* ---- columns ---- */

typedef struct group_table {
    uint32_t *slot; /* 1 + index of the first item of a group; 0: free */
    uint32_t mask;
} group_table;

/* The first item before or at i of the same group; i itself when it is new, and then it is entered.
 */
static uint32_t first_of_group(group_table *t, const as_item *items, uint32_t i)
{
    as_str name = items[i].group;
    uint32_t at = (uint32_t)as_hash64(name, 0) & t->mask;
    while (t->slot[at] != 0) {
        uint32_t j = t->slot[at] - 1;
        if (as_str_eq(items[j].group, name))
            return j;
        at = (at + 1) & t->mask;
    }
    t->slot[at] = i + 1;
    return i;
}

static int number_groups(as_items *c, as_arena *arena)
{
    group_table t = { .mask = 15 };
    while (t.mask / 2 < c->n) /* at most half full; n is far below 2^30 */
        t.mask = t.mask * 2 + 1;
    t.slot = as_arena_calloc(arena, (size_t)t.mask + 1, sizeof *t.slot);
    if (!t.slot)
        return AS_ENOMEM;
    uint64_t n_groups = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        as_str name = c->item[i].group;
        if (i > 0 && name.data && c->item[i - 1].group.data &&
            as_str_eq(name, c->item[i - 1].group)) {
            c->group[i] = c->group[i - 1];
            continue;
        }
        uint32_t first = name.data ? first_of_group(&t, c->item, i) : i;
        c->group[i] = first == i ? n_groups++ : c->group[first];
    }
    return 0;
}

int as_items_build(as_items *out, const as_item *items, uint32_t n, uint64_t seed, as_arena *arena,
                   as_err *err)
{
    *out = (as_items){ .n = n, .item = items };
    if (n > 1u << 29)
        return as_fail(err, AS_ENOMEM, "%u items in one batch are too many", n);
    as_str **columns[] = { &out->prompt, &out->completion, &out->reference, &out->meta };
    for (unsigned i = 0; i < sizeof columns / sizeof *columns; i++) {
        *columns[i] = as_arena_calloc(arena, n, sizeof(as_str));
        if (!*columns[i])
            return no_memory(err);
    }
    out->group = as_arena_calloc(arena, n, sizeof *out->group);
    out->seed = as_arena_calloc(arena, n, sizeof *out->seed);
    if (!out->group || !out->seed || number_groups(out, arena) < 0)
        return no_memory(err);
    for (uint32_t i = 0; i < n; i++) {
        const as_item *item = &items[i];
        out->prompt[i] = item->prompt;
        out->completion[i] = item->completion;
        out->reference[i] = item->reference;
        out->meta[i] = item->meta;
        out->seed[i] = item->id.data ? as_seed_of(seed, item->id, 0)
                                     : as_seed_of(seed, item->group, item->line_no);
    }
    return 0;
}
