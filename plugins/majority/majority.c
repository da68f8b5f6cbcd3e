/* majority.c -- org.assay.majority: the pseudo-label reward (TTRL): 1 for the answers of the
 * group's most frequent class, 0 for the others. The reference is never looked at; blank never
 * votes and never scores.
 *
 * The label is the host's (`assay vote`): classes by votes, then by the bytes of their
 * representative, which is the class's most frequent key, then the smallest.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/emit.h"
#include "common/parts.h"

#include <stdlib.h>

enum { CHUNK = 256 };
typedef struct majority {
    assay_verifier base;
    const assay_host *host;
    const assay_svc_verifiers *svc;
    uint32_t part;
    double min_ratio;
} majority;

/* ---- the keys of a batch, caught from the part's extraction ---- */

typedef struct catch
{
    const assay_call *outer;
    assay_str *key; /* n, into `bytes` by offset until the end */
    size_t *at;
    pc_buf bytes;
    uint32_t n, base; /* base: the first item's number in the whole batch */
    bool pass_on;     /* the caller wants the answers too */
}
catch;

static int32_t catch_cancelled(const assay_call *call)
{
    const catch *c = call->data;
    return c->outer->cancelled ? c->outer->cancelled(c->outer) : 0;
}

static assay_status catch_emit(const assay_call *call, uint32_t item, uint32_t channel,
                               assay_str text)
{
    catch *c = call->data;
    if (item >= c->n)
        return ASSAY_E_ARG;
    if (channel == ASSAY_OUT_KEY && !pc_is_blank(text)) {
        c->at[item] = c->bytes.len;
        pc_buf_add(&c->bytes, text.data, text.len);
        c->key[item].len = text.len;
        if (c->bytes.failed)
            return ASSAY_E_NOMEM;
    }
    return c->pass_on ? c->outer->emit(c->outer, c->base + item, channel, text) : ASSAY_OK;
}

static assay_status catch_keys(const majority *v, const assay_call *call, const assay_batch *b,
                               uint32_t base, bool pass_on, catch *c, assay_error *err)
{
    *c = (catch){ .outer = call, .n = b->n, .base = base, .pass_on = pass_on };
    c->key = pc_calloc(b->n, sizeof *c->key);
    c->at = pc_calloc(b->n, sizeof *c->at);
    if (!c->key || !c->at)
        return ASSAY_E_NOMEM;
    assay_call mine = { .size = sizeof mine,
                        .flags = ASSAY_WANT_ANSWER,
                        .data = c,
                        .deadline_ns = call->deadline_ns,
                        .cancelled = catch_cancelled,
                        .emit = catch_emit };
    assay_status rc = v->svc->extract(v->host, &mine, v->part, b, err);
    for (uint32_t i = 0; i < b->n; i++)
        if (c->key[i].len)
            c->key[i].data = c->bytes.data + c->at[i];
    return rc;
}

static void catch_fini(catch *c)
{
    pc_free(c->key);
    pc_free(c->at);
    pc_buf_fini(&c->bytes);
}

/* ---- one group ---- */

typedef struct vote {
    uint32_t class_of;
    assay_str key;
} vote;
typedef struct label {
    uint32_t class_of, votes; /* votes 0: there is no label */
    assay_str key;            /* the representative */
    bool tie;
} label;

static int by_class_then_key(const void *x, const void *y)
{
    const vote *a = x, *b = y;
    if (a->class_of != b->class_of)
        return a->class_of < b->class_of ? -1 : 1;
    return pc_cmp(a->key, b->key);
}

/* The representative of votes[0..n), one class sorted by key: the longest run; of equal runs the
 * first, the smallest. */
static assay_str representative(const vote *votes, uint32_t n)
{
    uint32_t best = 0, best_run = 0;
    for (uint32_t i = 0, k; i < n; i = k) {
        for (k = i; k < n && pc_eq(votes[k].key, votes[i].key);)
            k++;
        if (k - i > best_run) {
            best = i;
            best_run = k - i;
        }
    }
    return votes[best].key;
}

static label find_label(vote *votes, uint32_t n)
{
    label best = { 0 };
    qsort(votes, n, sizeof *votes, by_class_then_key);
    for (uint32_t i = 0, k; i < n; i = k) {
        for (k = i; k < n && votes[k].class_of == votes[i].class_of;)
            k++;
        label one = { .class_of = votes[i].class_of,
                      .votes = k - i,
                      .key = representative(votes + i, k - i) };
        if (one.votes < best.votes)
            continue;
        bool tie = one.votes == best.votes;
        if (!tie || pc_cmp(one.key, best.key) < 0)
            best = one;
        best.tie = tie;
    }
    return best;
}

static void explain(const assay_call *call, uint32_t item, const label *l, uint32_t n)
{
    pc_buf text = { 0 };
    if (l->votes) {
        size_t len = l->key.len < 200 ? l->key.len : 200;
        pc_buf_fmt(&text, "%u of %u votes%s for ", l->votes, n, l->tie ? ", a tie," : "");
        pc_buf_add(&text, l->key.data, len);
    } else {
        pc_buf_fmt(&text, "none of %u answers can vote", n);
    }
    if (!text.failed)
        pc_emit(call, item, ASSAY_OUT_EXPLAIN, pc_buf_str(&text));
    pc_buf_fini(&text);
}

typedef struct span {
    uint32_t lo, hi;
} span;

/* The group g of a chunk whose first item is number `base` of the batch. */
static void reward(const majority *v, const assay_call *call, assay_scores *out, uint32_t base,
                   span g, const uint32_t *class_of, const catch *c, vote *votes)
{
    uint32_t n = 0, asked = 0; /* an item that `of` failed on is not one that had no answer */
    for (uint32_t i = g.lo; i < g.hi; i++) {
        asked += class_of[i] != ASSAY_VOTE_ERROR;
        if (class_of[i] < ASSAY_VOTE_ERROR && c->key[i].data)
            votes[n++] = (vote){ class_of[i], c->key[i] };
    }
    label l = find_label(votes, n);
    double ratio = asked ? (double)l.votes / (double)asked : 0;
    bool labelled = l.votes > 0 && ratio >= v->min_ratio;
    pc_buf metrics = { 0 };
    pc_buf_fmt(&metrics, "{\"majority_ratio\":%.17g}", ratio);
    for (uint32_t k = g.lo; k < g.hi; k++) {
        uint32_t i = base + k;
        if (!metrics.failed)
            pc_emit(call, i, ASSAY_OUT_METRICS, pc_buf_str(&metrics));
        if (pc_wants(call, ASSAY_WANT_EXPLAIN))
            explain(call, i, &l, asked);
        if (class_of[k] == ASSAY_VOTE_ERROR)
            pc_set(call, out, i, ASSAY_ERROR, 0, NULL,
                   "the verifier that votes failed on this item");
        else if (class_of[k] == ASSAY_NO_VOTE || !c->key[k].data)
            pc_set(call, out, i, ASSAY_NO_ANSWER, 0, NULL, "there is no answer to vote with");
        else if (!labelled)
            pc_set(call, out, i, ASSAY_ABSTAIN, 0, NULL,
                   "no label: the majority is smaller than min_ratio");
        else if (class_of[k] == l.class_of)
            pc_set(call, out, i, ASSAY_PASS, 1, "majority", NULL);
        else
            pc_set(call, out, i, ASSAY_FAIL, 0, "majority", "not the majority's answer");
    }
    pc_buf_fini(&metrics);
}

static uint32_t group_end(const assay_batch *b, uint32_t lo)
{
    uint32_t hi = lo + 1;
    while (hi < b->n && b->group && b->group[hi] == b->group[lo])
        hi++;
    return hi;
}

/* Whole groups, at least CHUNK items where there are as many: between two chunks we look up. */
static assay_status score_chunk(const majority *v, const assay_call *call, const assay_batch *b,
                                uint32_t base, assay_scores *out, assay_error *err)
{
    catch c = { 0 };
    uint32_t *class_of = pc_calloc(b->n, sizeof *class_of);
    vote *votes = pc_calloc(b->n, sizeof *votes);
    assay_status rc = class_of && votes
                          ? catch_keys(v, call, b, base, pc_wants(call, ASSAY_WANT_ANSWER), &c, err)
                          : ASSAY_E_NOMEM;
    if (rc == ASSAY_OK)
        rc = v->svc->classes(v->host, call, v->part, b, class_of, err);
    for (uint32_t lo = 0, hi; rc == ASSAY_OK && lo < b->n; lo = hi) {
        hi = group_end(b, lo);
        reward(v, call, out, base, (span){ lo, hi }, class_of, &c, votes);
    }
    catch_fini(&c);
    pc_free(class_of);
    pc_free(votes);
    return rc;
}

static assay_status score(assay_verifier *base, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    for (uint32_t lo = 0, hi; lo < b->n; lo = hi) {
        if (pc_cancelled(call))
            return ASSAY_E_CANCELLED;
        for (hi = group_end(b, lo); hi < b->n && hi - lo < CHUNK;)
            hi = group_end(b, hi);
        assay_batch some = pc_slice_batch(b, lo, hi);
        assay_status rc = score_chunk(base->data, call, &some, lo, out, err);
        if (rc)
            return rc;
    }
    return ASSAY_OK;
}

static assay_status extract(assay_verifier *base, const assay_call *call, const assay_batch *b,
                            assay_error *err)
{
    for (uint32_t lo = 0, hi; lo < b->n; lo = hi) {
        if (pc_cancelled(call))
            return ASSAY_E_CANCELLED;
        hi = b->n - lo > CHUNK ? lo + CHUNK : b->n;
        assay_batch some = pc_slice_batch(b, lo, hi);
        catch c = { 0 };
        assay_status rc = catch_keys(base->data, call, &some, lo, true, &c, err);
        catch_fini(&c);
        if (rc)
            return rc;
        if (pc_memory_was_lost())
            return ASSAY_E_NOMEM;
    }
    return ASSAY_OK;
}

static int32_t same(assay_verifier *base, const assay_call *call, assay_str a, assay_str b)
{
    const majority *v = base->data;
    return v->svc->same(v->host, call, v->part, a, b);
}

static const assay_ext_answer answer = { .size = sizeof answer, .extract = extract, .same = same };

static const void *extension(const assay_verifier *base, const char *id)
{
    (void)base;
    return strcmp(id, ASSAY_EXT_ANSWER) == 0 ? &answer : NULL;
}

static void destroy(assay_verifier *base)
{
    pc_free(base->data);
}

static void read_config(majority *v, pc_config *c)
{
    const cJSON *of = pc_config_get(c, "of");
    v->min_ratio = pc_config_num(c, "min_ratio", 0, 0, 1);
    if (c->failed)
        return;
    if (!of || cJSON_IsString(of)) {
        pc_part_open(c, v->host, of ? of->valuestring : "math", NULL, &v->part);
        return;
    }
    pc_config inner;
    pc_config_inner(&inner, c, of, "config key \"of\"");
    const char *name = pc_config_str(&inner, "verifier", NULL);
    const cJSON *config = pc_config_get(&inner, "config");
    if (!name)
        pc_config_fail(
            &inner,
            "config key \"of\" must be a verifier's name, or {\"verifier\":NAME,\"config\":{...}}");
    pc_config_check(&inner);
    if (!inner.failed)
        pc_part_open(&inner, v->host, name, config, &v->part);
    c->failed = inner.failed;
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d;
    const assay_svc_verifiers *svc = pc_parts_service(host, err);
    if (!svc)
        return ASSAY_E_UNSUPPORTED;
    majority *v = pc_calloc(1, sizeof *v);
    if (!v)
        return ASSAY_E_NOMEM;
    v->base = (assay_verifier){ .size = sizeof v->base,
                                .data = v,
                                .destroy = destroy,
                                .score = score,
                                .extension = extension };
    v->host = host;
    v->svc = svc;
    pc_config c;
    assay_status rc = pc_config_open(&c, config, err);
    if (rc == ASSAY_OK) {
        read_config(v, &c);
        rc = pc_config_close(&c);
    }
    if (rc) {
        pc_free(v);
        return rc;
    }
    *out = &v->base;
    return ASSAY_OK;
}

static const char *const tags[] = { "vote", "label-free", NULL };
static const assay_descriptor descriptor = {
    .size = sizeof descriptor,
    /* not DETERMINISTIC as the header means it: an item's score depends on its group */
    .flags = ASSAY_F_REENTRANT | ASSAY_F_NEEDS_GROUP,
    .id = "org.assay.majority",
    .name = "Majority",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "1 for the group's most frequent answer: a reward without labels",
    .url = "",
    .tags = tags,
    .config_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"of\":{\"default\":\"math\",\"oneOf\":[{\"type\":\"string\"},{\"type\":\"object\","
        "\"required\":[\"verifier\"],"
        "\"additionalProperties\":false,\"properties\":{\"verifier\":{\"type\":\"string\"},"
        "\"config\":{\"type\":\"object\"}}}]},"
        "\"min_ratio\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1,\"default\":0}}}",
    .revision = 1,
    .cost_us = 10,
    .score_min = 0,
    .score_max = 1,
    .create = create,
};
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
