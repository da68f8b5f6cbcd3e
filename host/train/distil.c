/* distil.c -- learning from a teacher: the samples that `assay generate` writes, joined with their
 * prompts by id. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/strmap.h"
#include "train/sft_inner.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

typedef struct prompt {
    as_str id, text; /* id: as it stands in JSON */
    bool is_rendered;
    uint64_t no; /* of its line */
    uint64_t n_samples;
} prompt;

/* A sample seen, to find those that come twice. */
typedef struct seen {
    uint64_t prompt, sample, no;
} seen;

typedef struct joiner {
    as_sft_reader *r;
    as_arena kept; /* ids and prompts */
    prompt *prompts;
    size_t n_prompts, cap_prompts;
    as_strmap by_id;
    seen *seen;
    size_t n_seen, cap_seen;
} joiner;

static int scan_object(as_str line, as_jspan *object, as_err *err)
{
    int rc = as_json_scan(line, object, err);
    if (rc == 0 && object->kind != AS_J_OBJECT)
        rc = as_fail(err, AS_EDATA, "not a JSON object");
    return rc;
}

static int id_of(as_jspan object, const char *key, as_str *id, as_err *err)
{
    const as_jspan value = as_jobject_get(object, key);
    *id = value.text;
    return value.kind == AS_J_STRING || value.kind == AS_J_NUMBER
               ? 0
               : as_fail(err, AS_EDATA, "\"%s\" is missing: a string or a number", key);
}

/* ---- prompts ---- */

static int render(joiner *j, as_str messages, as_err *err)
{
    as_sft_reader *r = j->r;
    const as_chat_request request = { .messages = messages, .opens_answer = true };
    if (!r->how->chat)
        return as_fail(err, AS_EDATA,
                       "a conversation needs a chat template, and the model's folder has none");
    as_buf_clear(&r->text);
    return as_chat_render(r->how->chat, &request, &r->text, NULL, err);
}

static int render_prompt(joiner *j, as_jspan said, as_err *err)
{
    AS_CLEANUP(buf) as_buf messages = { 0 };
    as_buf_init(&messages, SIZE_MAX / 2);
    as_buf_text(&messages, "[{\"role\":\"user\",\"content\":");
    as_buf_add(&messages, said.text);
    as_buf_text(&messages, "}]");
    int rc = as_buf_check(&messages, err);
    return rc == 0 ? render(j, as_buf_str(&messages), err) : rc;
}

/* As `assay generate` takes it. */
static int text_of(joiner *j, as_jspan object, prompt *p, as_err *err)
{
    const as_jspan said = as_jobject_get(object, "prompt"),
                   messages = as_jobject_get(object, "messages");
    as_str text = { 0 };
    int rc;
    p->is_rendered = j->r->how->as_chat || messages.kind == AS_J_ARRAY;
    if (messages.kind == AS_J_ARRAY)
        rc = render(j, messages.text, err);
    else if (said.kind != AS_J_STRING)
        rc = as_fail(err, AS_EDATA, "neither \"prompt\" (a string) nor \"messages\" is there");
    else if (p->is_rendered)
        rc = render_prompt(j, said, err);
    else
        rc = as_sft_text_of(j->r, said, "prompt", &text, err);
    if (rc < 0)
        return rc;
    p->text = as_arena_str(&j->kept, p->is_rendered ? as_buf_str(&j->r->text) : text);
    return p->text.data ? 0 : as_fail(err, AS_ENOMEM, "no memory for the prompts");
}

static int take_prompt(void *ctx, as_str line, uint64_t no, as_err *err)
{
    joiner *j = ctx;
    as_jspan object;
    as_str id = { 0 };
    prompt p = { .no = no };
    as_arena_reset(&j->r->arena);
    int rc = scan_object(line, &object, err);
    if (rc == 0)
        rc = id_of(object, "id", &id, err);
    if (rc < 0)
        return rc;
    p.id = as_arena_str(&j->kept, id);
    rc = p.id.data ? text_of(j, object, &p, err) : as_fail(err, AS_ENOMEM, "out of memory");
    if (rc < 0)
        return rc;
    if (j->n_prompts == j->cap_prompts) {
        const size_t cap = j->cap_prompts + j->cap_prompts / 2 + 256;
        prompt *prompts =
            cap <= UINT32_MAX ? as_realloc_array(j->prompts, cap, sizeof *prompts) : NULL;
        if (!prompts)
            return as_fail(err, AS_ENOMEM, "no memory for %zu prompts", cap);
        j->prompts = prompts;
        j->cap_prompts = cap;
    }
    j->prompts[j->n_prompts++] = p;
    return 0;
}

static int index_prompts(joiner *j, as_err *err)
{
    if (!as_strmap_init(&j->by_id, j->n_prompts + 1))
        return as_fail(err, AS_ENOMEM, "no memory for %zu prompts", j->n_prompts);
    for (size_t i = 0; i < j->n_prompts; i++) {
        bool is_new;
        const uint32_t at = as_strmap_add(&j->by_id, j->prompts[i].id, (uint32_t)i, &is_new);
        if (!is_new)
            return as_fail(err, AS_EDATA,
                           "%s:%" PRIu64 ": \"id\" %.*s stands on line %" PRIu64 " already",
                           j->r->how->prompts, j->prompts[i].no, (int)j->prompts[i].id.len,
                           j->prompts[i].id.data, j->prompts[at].no);
    }
    return 0;
}

/* ---- samples ---- */

static int note(joiner *j, uint64_t of, uint64_t sample, uint64_t no, as_err *err)
{
    if (j->n_seen == j->cap_seen) {
        const size_t cap = j->cap_seen + j->cap_seen / 2 + 1024;
        seen *more = as_realloc_array(j->seen, cap, sizeof *more);
        if (!more)
            return as_fail(err, AS_ENOMEM, "no memory for %zu samples", cap);
        j->seen = more;
        j->cap_seen = cap;
    }
    j->seen[j->n_seen++] = (seen){ of, sample, no };
    return 0;
}

static int find_prompt(joiner *j, as_jspan object, uint64_t no, prompt **out, as_err *err)
{
    as_str id;
    uint32_t at;
    unsigned long long sample;
    int rc = id_of(object, "problem_id", &id, err);
    if (rc < 0)
        return rc;
    if (!as_strmap_find(&j->by_id, id, &at))
        return as_fail(err, AS_EDATA, "\"problem_id\" %.*s is the \"id\" of no line of %s",
                       (int)(id.len < 60 ? id.len : 60), id.data, j->r->how->prompts);
    if (!as_junsigned(as_jobject_get(object, "sample_idx"), &sample))
        return as_fail(err, AS_EDATA, "\"sample_idx\" is missing: a whole number");
    *out = &j->prompts[at];
    return note(j, at, sample, no, err);
}

/* 1: it is learned; 0: it is left out, and counted. */
static int is_wanted(joiner *j, as_jspan object, as_err *err)
{
    const as_sft_reading *how = j->r->how;
    const as_jspan score = as_jobject_get(object, "score");
    double value;
    if (isfinite(how->min_score)) {
        if (score.kind != AS_J_NULL && !as_jnumber(score, &value))
            return as_fail(
                err, AS_EDATA,
                "there is no \"score\", and \"min_score\" asks for samples that have one");
        if (score.kind == AS_J_NULL || !(value >= how->min_score)) {
            j->r->d->n_below++;
            return 0;
        }
    }
    if (as_jspan_is(as_jobject_get(object, "finish_reason"), "length") && !how->keeps_truncated) {
        j->r->d->n_truncated++;
        return 0;
    }
    return 1;
}

static int take_sample(void *ctx, as_str line, uint64_t no, as_err *err)
{
    joiner *j = ctx;
    as_jspan object;
    prompt *p = NULL;
    as_str completion = { 0 };
    as_arena_reset(&j->r->arena);
    int rc = scan_object(line, &object, err);
    if (rc == 0)
        rc = find_prompt(j, object, no, &p, err);
    if (rc < 0 || !p)
        return rc;
    p->n_samples++;
    rc = as_sft_text_of(j->r, as_jobject_get(object, "completion"), "completion", &completion, err);
    if (rc == 0 && !completion.data)
        rc = as_fail(err, AS_EDATA, "\"completion\" is missing");
    if (rc == 0)
        rc = is_wanted(j, object, err);
    if (rc <= 0)
        return rc;
    const bool ends = !as_jspan_is(as_jobject_get(object, "finish_reason"), "length");
    return as_sft_take_pair(j->r, p->text, p->is_rendered, completion, ends, err);
}

static int by_sample(const void *a, const void *b)
{
    const seen *x = a, *y = b;
    if (x->prompt != y->prompt)
        return x->prompt < y->prompt ? -1 : 1;
    if (x->sample != y->sample)
        return x->sample < y->sample ? -1 : 1;
    return x->no < y->no ? -1 : x->no > y->no;
}

/* The same sample twice would count twice. */
static int check_once(joiner *j, const char *path, as_err *err)
{
    if (j->n_seen > 0)
        qsort(j->seen, j->n_seen, sizeof *j->seen, by_sample);
    for (size_t i = 1; i < j->n_seen; i++) {
        const seen *s = &j->seen[i], *before = s - 1;
        const as_str id = j->prompts[s->prompt].id;
        if (s->prompt == before->prompt && s->sample == before->sample)
            return as_fail(
                err, AS_EDATA,
                "%s:%" PRIu64 ": sample %" PRIu64 " of %.*s stands on line %" PRIu64 " already",
                path, s->no, s->sample, (int)(id.len < 60 ? id.len : 60), id.data, before->no);
    }
    return 0;
}

int as_sft_read_samples(as_sft_reader *r, const char *path, as_err *err)
{
    joiner j = { .r = r };
    as_arena_init(&j.kept, 0);
    int rc = as_lines_each(r->how->prompts, take_prompt, &j, err);
    if (rc == 0)
        rc = index_prompts(&j, err);
    if (rc == 0)
        rc = as_lines_each(path, take_sample, &j, err);
    if (rc == 0)
        rc = check_once(&j, path, err);
    for (size_t i = 0; i < j.n_prompts; i++)
        r->d->n_unanswered += j.prompts[i].n_samples == 0;
    as_strmap_fini(&j.by_id);
    as_free(j.prompts);
    as_free(j.seen);
    as_arena_fini(&j.kept);
    return rc;
}
