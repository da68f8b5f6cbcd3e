/* pairs.c -- see pairs.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/pairs.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/jsonl.h"
#include "model/judged.h"

#include <math.h>
#include <string.h>

/* ---- in memory ---- */

static int grow(as_pairs *p, size_t more, as_err *err)
{
    if (p->n_ids + more > p->cap_ids) {
        const size_t cap = (p->n_ids + more) * 2 + 4096;
        int32_t *ids = as_realloc_array(p->ids, cap, sizeof *ids);
        if (!ids)
            return as_fail(err, AS_ENOMEM, "no memory for %zu tokens of preferences", cap);
        p->ids = ids;
        p->cap_ids = cap;
    }
    if (p->n == p->cap) {
        const size_t cap = p->cap * 2 + 256;
        as_pair *at = as_realloc_array(p->at, cap, sizeof *at);
        if (!at)
            return as_fail(err, AS_ENOMEM, "no memory for %zu preferences", cap);
        p->at = at;
        p->cap = cap;
    }
    return 0;
}

int as_pairs_add(as_pairs *p, const int32_t *chosen, size_t n_chosen, const int32_t *rejected,
                 size_t n_rejected, size_t longest, bool *is_new, as_err *err)
{
    const size_t n[2] = { n_chosen, n_rejected };
    const int32_t *const ids[2] = { chosen, rejected };
    *is_new = false;
    if (n_chosen > longest || n_rejected > longest) {
        p->n_too_long++;
        return 0;
    }
    if (n_chosen == n_rejected && memcmp(chosen, rejected, n_chosen * sizeof *chosen) == 0) {
        p->n_same++;
        return 0;
    }
    int rc = grow(p, n_chosen + n_rejected, err);
    if (rc < 0)
        return rc;
    as_pair *to = &p->at[p->n++];
    for (int i = AS_CHOSEN; i <= AS_REJECTED; i++) {
        to->begin[i] = p->n_ids;
        to->n[i] = (uint32_t)n[i];
        memcpy(p->ids + p->n_ids, ids[i], n[i] * sizeof *p->ids);
        p->n_ids += n[i];
    }
    *is_new = true;
    return 0;
}

void as_pairs_clear(as_pairs *p)
{
    p->n = p->n_ids = 0;
    p->n_too_long = p->n_same = 0;
}

void as_pairs_fini(as_pairs *p)
{
    as_free(p->ids);
    as_free(p->at);
    *p = (as_pairs){ 0 };
}

size_t as_pairs_draw(const as_pairs *p, uint64_t seed, uint64_t k, uint32_t *order, uint64_t *epoch)
{
    const uint64_t of = k / p->n;
    if (of != *epoch) {
        as_rng r = as_rng_at(as_seed_of(seed, AS_LIT("order of an epoch"), of), 0);
        as_rng_order(&r, order, p->n);
        *epoch = of;
    }
    return order[k % p->n];
}

/* ---- of labels ---- */

typedef struct walk { /* over the pairs of rows of one group */
    const double *label;
    size_t n_groups, each, group, a, b;
} walk;

/* The next pair whose labels differ. */
static bool next_pair(walk *w, as_row_pair *out)
{
    while (w->group < w->n_groups) {
        if (++w->b >= w->each) {
            w->b = ++w->a + 1;
            if (w->b >= w->each) {
                w->group++;
                w->a = w->b = 0;
                continue;
            }
        }
        const size_t i = w->group * w->each + w->a, j = w->group * w->each + w->b;
        if (w->label[i] > w->label[j] || w->label[i] < w->label[j]) {
            const bool is_first = w->label[i] > w->label[j];
            *out = (as_row_pair){ is_first ? i : j, is_first ? j : i };
            return true;
        }
    }
    return false;
}

/* A reservoir (Vitter 1985, algorithm R): nothing is kept of the pairs that are not drawn. */
size_t as_pairs_of_labels(as_row_pair *out, size_t most, const double *label, size_t n_groups,
                          size_t each, uint64_t seed)
{
    walk w = { .label = label, .n_groups = n_groups, .each = each };
    as_rng r = as_rng_at(as_seed_of(seed, AS_LIT("pairs of labels"), 0), 0);
    as_row_pair one;
    size_t seen = 0;
    while (next_pair(&w, &one)) {
        const size_t at = seen < most ? seen : (size_t)as_rng_below(&r, seen + 1);
        seen++;
        if (at < most)
            out[at] = one;
    }
    return seen < most ? seen : most;
}

double as_pairs_agreement(const double *label, const double *score, size_t n_groups, size_t each,
                          size_t *n)
{
    walk w = { .label = label, .n_groups = n_groups, .each = each };
    as_row_pair one;
    double right = 0;
    for (*n = 0; next_pair(&w, &one); (*n)++)
        right += score[one.chosen] > score[one.rejected]   ? 1
                 : score[one.chosen] < score[one.rejected] ? 0
                                                           : 0.5;
    return *n ? right / (double)*n : (double)NAN;
}

/* ---- files ---- */

typedef struct reader {
    as_pairs *p;
    const as_pairs_reading *how;
    as_judged *judged;
    as_arena arena;  /* of one line */
    as_buf messages; /* the prompt of one side */
    int32_t *ids;    /* of the chosen text, while the rejected one is read */
    size_t n_ids, cap_ids;
} reader;

typedef struct side {
    as_str prompt, answer;
    bool is_chat;
} side;

static int text_of(reader *r, as_jspan value, const char *key, as_str *out, as_err *err)
{
    if (value.kind != AS_J_STRING)
        return as_fail(err, AS_EDATA, "\"%s\" is %s: a text, or a list of messages", key,
                       value.kind == AS_J_NONE ? "missing" : "of another kind");
    *out = as_jstring(value, &r->arena, NULL);
    return out->data ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

/* The messages of `list` behind those in r->messages, but for the last one, which is the answer. */
static int split_list(reader *r, as_jspan list, const char *key, as_str *answer, as_err *err)
{
    as_jspan message, last = { { NULL, 0 }, AS_J_NONE };
    for (size_t at = 0; as_jarray_next(list, &at, &message); last = message) {
        if (last.kind == AS_J_NONE)
            continue;
        as_buf_byte(&r->messages, r->messages.len > 1 ? ',' : ' ');
        as_buf_add(&r->messages, last.text);
    }
    if (last.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "\"%s\" has no message", key);
    if (!as_jspan_is(as_jobject_get(last, "role"), "assistant"))
        return as_fail(err, AS_EDATA,
                       "the last message of \"%s\" is not the assistant's: it is the answer", key);
    return text_of(r, as_jobject_get(last, "content"), "content", answer, err);
}

/* A prompt of text as one message of a user. */
static void open_messages(reader *r, as_jspan prompt)
{
    as_jspan message;
    as_buf_clear(&r->messages);
    as_buf_byte(&r->messages, '[');
    if (prompt.kind == AS_J_STRING) {
        as_buf_text(&r->messages, "{\"role\":\"user\",\"content\":");
        as_buf_add(&r->messages, prompt.text);
        as_buf_byte(&r->messages, '}');
    }
    for (size_t at = 0; prompt.kind == AS_J_ARRAY && as_jarray_next(prompt, &at, &message);) {
        as_buf_byte(&r->messages, r->messages.len > 1 ? ',' : ' ');
        as_buf_add(&r->messages, message.text);
    }
}

static int read_side(reader *r, as_jspan object, as_jspan prompt, const char *key, side *out,
                     as_err *err)
{
    const as_jspan value = as_jobject_get(object, key);
    const bool is_list = value.kind == AS_J_ARRAY;
    int rc = 0;
    *out = (side){ .is_chat = is_list || prompt.kind == AS_J_ARRAY ||
                              (r->how->as_chat && prompt.kind == AS_J_STRING) };
    if (!out->is_chat) {
        rc = prompt.kind == AS_J_NONE ? 0 : text_of(r, prompt, "prompt", &out->prompt, err);
        return rc < 0 ? rc : text_of(r, value, key, &out->answer, err);
    }
    open_messages(r, prompt);
    rc = is_list ? split_list(r, value, key, &out->answer, err)
                 : text_of(r, value, key, &out->answer, err);
    as_buf_byte(&r->messages, ']');
    if (rc == 0 && r->messages.len <= 2)
        rc = as_fail(err, AS_EDATA, "there is no message before the answer \"%s\"", key);
    if (rc == 0)
        rc = as_buf_check(&r->messages, err);
    out->prompt = as_buf_str(&r->messages);
    return rc;
}

/* A copy of what the next text overwrites. */
static int keep_chosen(reader *r, const int32_t *ids, size_t n, as_err *err)
{
    if (n > r->cap_ids) {
        int32_t *more = as_realloc_array(r->ids, n * 2, sizeof *more);
        if (!more)
            return as_fail(err, AS_ENOMEM, "out of memory");
        r->ids = more;
        r->cap_ids = n * 2;
    }
    memcpy(r->ids, ids, n * sizeof *ids);
    r->n_ids = n;
    return 0;
}

static int take_line(void *ctx, as_str line, uint64_t no, as_err *err)
{
    (void)no;
    static const char *const keys[] = { "chosen", "rejected" };
    reader *r = ctx;
    as_jspan object;
    const int32_t *ids = NULL;
    size_t n = 0;
    bool is_new;
    as_arena_reset(&r->arena);
    int rc = as_json_scan(line, &object, err);
    if (rc < 0)
        return rc;
    if (object.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA,
                       "not a JSON object; expected {\"prompt\",\"chosen\",\"rejected\"}");
    as_jspan prompt = as_jobject_get(object, "prompt");
    if (prompt.kind == AS_J_NONE)
        prompt = as_jobject_get(object, "messages");
    for (int i = AS_CHOSEN; i <= AS_REJECTED && rc == 0; i++) {
        side s;
        rc = read_side(r, object, prompt, keys[i], &s, err);
        if (rc == 0)
            rc = as_judged_encode(r->judged, s.prompt, s.is_chat, s.answer, &ids, &n, err);
        if (rc == 0 && i == AS_CHOSEN)
            rc = keep_chosen(r, ids, n, err);
    }
    return rc == 0 ? as_pairs_add(r->p, r->ids, r->n_ids, ids, n, r->how->longest, &is_new, err)
                   : rc;
}

int as_pairs_read(as_pairs *p, const char *path, const as_pairs_reading *how, as_err *err)
{
    reader r = { .p = p, .how = how };
    as_arena_init(&r.arena, 0);
    as_buf_init(&r.messages, (size_t)1 << 30);
    int rc = as_judged_new(&r.judged, how->tokenizer, how->chat, how->eos, err);
    if (rc == 0)
        rc = as_lines_each(path, take_line, &r, err);
    as_judged_free(r.judged);
    as_arena_fini(&r.arena);
    as_buf_fini(&r.messages);
    as_free(r.ids);
    return rc;
}
