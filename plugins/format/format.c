/* format.c -- org.assay.format: does the text have the form that was asked for? Tags, a box,
 * lengths, repetition. SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"
#include "common/emit.h"
#include "common/extract.h"

#include <stdio.h>

enum { MAX_TAGS = 8, TAG_BYTES = 32, MAX_GRAMS = 1 << 15 };
typedef struct format {
    assay_verifier base;
    unsigned n_tags;
    char open[MAX_TAGS][TAG_BYTES + 4], close[MAX_TAGS][TAG_BYTES + 4];
    bool outside, boxed, share;
    uint64_t min_bytes, max_bytes, min_words, max_words; /* UINT64_MAX: not asked */
    unsigned ngram;                                      /* 0: repetition not asked */
    double max_repeat;
} format;

/* The verdict on one rule, in the order in which they are told. */
typedef struct tally {
    unsigned asked, held;
    const char *rule; /* the first one broken */
    const char *reason;
} tally;

static void judge(tally *t, const char *rule, bool held, const char *reason)
{
    t->asked++;
    if (held) {
        t->held++;
    } else if (!t->rule) {
        t->rule = rule;
        t->reason = reason;
    }
}

static size_t count(assay_str s, const char *needle)
{
    size_t n = 0;
    for (size_t at = pc_find(s, needle, 0); at != PC_NONE; at = pc_find(s, needle, at + 1))
        n++;
    return n;
}

/* Each tag opens and closes exactly once, one element after the other, none inside another. */
static bool tags_hold(const format *v, assay_str s)
{
    size_t at = 0;
    for (unsigned k = 0; k < v->n_tags; k++) {
        if (count(s, v->open[k]) != 1 || count(s, v->close[k]) != 1)
            return false;
        size_t open = pc_find(s, v->open[k], at);
        size_t close = open == PC_NONE ? PC_NONE : pc_find(s, v->close[k], open);
        if (close == PC_NONE || pc_is_blank(pc_slice(s, open + strlen(v->open[k]), close)))
            return false;
        at = close + strlen(v->close[k]);
    }
    return true;
}

/* Only white space before, between and after the elements. */
static bool nothing_outside(const format *v, assay_str s)
{
    size_t at = 0;
    for (unsigned k = 0; k < v->n_tags; k++) {
        size_t open = pc_find(s, v->open[k], at);
        if (open == PC_NONE || !pc_is_blank(pc_slice(s, at, open)))
            return false;
        size_t close = pc_find(s, v->close[k], open);
        if (close == PC_NONE)
            return false;
        at = close + strlen(v->close[k]);
    }
    return pc_is_blank(pc_from(s, at));
}

static bool next_word(assay_str s, size_t *at, assay_str *word)
{
    size_t i = *at;
    while (i < s.len && pc_is_space(s.data[i]))
        i++;
    size_t from = i;
    while (i < s.len && !pc_is_space(s.data[i]))
        i++;
    *word = pc_slice(s, from, i);
    *at = i;
    return i > from;
}

static uint64_t count_words(assay_str s)
{
    uint64_t n = 0;
    assay_str w;
    for (size_t at = 0; next_word(s, &at, &w);)
        n++;
    return n;
}

static uint64_t hash_word(assay_str w)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < w.len; i++)
        h = (h ^ (unsigned char)pc_lower(w.data[i])) * UINT64_C(0x100000001b3);
    return h ^ (h >> 29);
}

/* True if it was not there yet. The table has twice as many places as grams. */
static bool insert(uint64_t *table, uint64_t mask, uint64_t h)
{
    h += h == 0;
    for (uint64_t i = h & mask;; i = (i + 1) & mask) {
        if (table[i] == h)
            return false;
        if (table[i] == 0) {
            table[i] = h;
            return true;
        }
    }
}

/* Share of n-grams (of the first MAX_GRAMS) that were seen before; < 0: no memory. */
static double repeated(assay_str s, unsigned n)
{
    uint64_t window[16] = { 0 }, words = 0, grams = 0, distinct = 0, mask = 63;
    while (mask < s.len && mask < 2 * MAX_GRAMS - 1) /* a word takes two bytes at least */
        mask = mask * 2 + 1;
    uint64_t *table = pc_calloc(mask + 1, sizeof *table);
    if (!table)
        return -1;
    assay_str w;
    for (size_t at = 0; grams < MAX_GRAMS && next_word(s, &at, &w);) {
        window[words++ % n] = hash_word(w);
        if (words < n)
            continue;
        uint64_t h = 0;
        for (uint64_t k = 0; k < n; k++)
            h = (h ^ window[(words + k) % n]) * UINT64_C(0x9e3779b97f4a7c15);
        grams++;
        distinct += insert(table, mask, h ^ (h >> 32));
    }
    pc_free(table);
    return grams ? 1.0 - (double)distinct / (double)grams : 0;
}

static void judge_lengths(const format *v, assay_str s, tally *t)
{
    if (v->min_bytes != UINT64_MAX || v->max_bytes != UINT64_MAX)
        judge(t, "bytes",
              (v->min_bytes == UINT64_MAX || s.len >= v->min_bytes) && s.len <= v->max_bytes,
              "the number of bytes is out of bounds");
    if (v->min_words == UINT64_MAX && v->max_words == UINT64_MAX)
        return;
    uint64_t words = count_words(s);
    judge(t, "words",
          (v->min_words == UINT64_MAX || words >= v->min_words) && words <= v->max_words,
          "the number of words is out of bounds");
}

static bool has_box(assay_str s)
{
    pc_found found;
    pc_rules rules;
    pc_rules_preset(&rules, "strict");
    rules.think = PC_THINK_OFF;
    pc_extract(&found, s, &rules);
    return found.text.data != NULL;
}

/* False: no memory. */
static bool judge_all(const format *v, assay_str s, tally *t)
{
    if (v->n_tags) {
        judge(t, "tags", tags_hold(v, s),
              "the tags are not there exactly once, filled, closed and in order");
        if (!v->outside)
            judge(t, "outside", nothing_outside(v, s), "there is text outside the tags");
    }
    if (v->boxed)
        judge(t, "boxed", has_box(s), "there is no complete box with an answer at the end");
    judge_lengths(v, s, t);
    if (v->ngram) {
        double share = repeated(s, v->ngram);
        if (share < 0)
            return false;
        judge(t, "repetition", share <= v->max_repeat, "the text repeats itself");
    }
    return true;
}

static void score_one(const format *v, const assay_call *call, assay_str s, assay_scores *out,
                      uint32_t i)
{
    tally t = { 0 };
    if (pc_is_blank(s)) {
        pc_set(call, out, i, ASSAY_NO_ANSWER, 0, NULL, "the completion is blank");
        return;
    }
    if (!judge_all(v, s, &t)) {
        pc_set(call, out, i, ASSAY_ERROR, 0, NULL, "out of memory");
        return;
    }
    if (pc_wants(call, ASSAY_WANT_EXPLAIN)) {
        pc_buf b = { 0 };
        pc_buf_fmt(&b, "%u of %u rules hold%s%s", t.held, t.asked, t.rule ? "; first broken: " : "",
                   t.rule ? t.rule : "");
        if (!b.failed)
            pc_emit(call, i, ASSAY_OUT_EXPLAIN, pc_buf_str(&b));
        pc_buf_fini(&b);
    }
    if (t.held == t.asked)
        pc_set(call, out, i, ASSAY_PASS, 1, "all", NULL);
    else
        pc_set(call, out, i, ASSAY_FAIL, v->share ? (float)t.held / (float)t.asked : 0, t.rule,
               t.reason);
}

static assay_status score(assay_verifier *base, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    (void)err;
    for (uint32_t i = 0; i < b->n; i++) {
        if (pc_cancelled(call))
            return ASSAY_E_CANCELLED;
        score_one(base->data, call, pc_col(b->completion, i), out, i);
    }
    return ASSAY_OK;
}

static const void *extension(const assay_verifier *base, const char *id)
{
    (void)base;
    (void)id;
    return NULL;
}

static void destroy(assay_verifier *base)
{
    pc_free(base->data);
}

static bool is_tag_name(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if (!pc_is_alpha(name[i]) && !pc_is_digit(name[i]) && name[i] != '_' && name[i] != '-')
            return false;
    return n > 0 && n < TAG_BYTES - 4;
}

static void add_tag(format *v, const char *name)
{
    (void)snprintf(v->open[v->n_tags], sizeof v->open[0], "<%s>", name);
    (void)snprintf(v->close[v->n_tags], sizeof v->close[0], "</%s>", name);
    v->n_tags++;
}

static void read_tags(format *v, pc_config *c)
{
    const cJSON *tags = pc_config_get(c, "tags");
    if (!tags) {
        add_tag(v, "think");
        add_tag(v, "answer");
        return;
    }
    if (!cJSON_IsArray(tags) || cJSON_GetArraySize(tags) > MAX_TAGS) {
        pc_config_fail(c, "config key \"tags\" must be a list of at most %d names", MAX_TAGS);
        return;
    }
    const cJSON *t;
    cJSON_ArrayForEach(t, tags)
    {
        if (!cJSON_IsString(t) || !is_tag_name(t->valuestring)) {
            pc_config_fail(c, "config key \"tags\": names are 1 to %d letters, digits, - or _",
                           TAG_BYTES - 5);
            return;
        }
        add_tag(v, t->valuestring);
    }
}

static assay_status read_config(format *v, assay_str json, assay_error *err)
{
    static const char *const ways[] = { "all", "share", NULL };
    const uint64_t most = UINT64_C(1) << 40, none = UINT64_MAX;
    pc_config c;
    assay_status rc = pc_config_open(&c, json, err);
    if (rc)
        return rc;
    read_tags(v, &c);
    v->outside = pc_config_bool(&c, "outside", false);
    v->boxed = pc_config_bool(&c, "boxed", false);
    v->min_bytes = pc_config_uint(&c, "min_bytes", none, 0, most);
    v->max_bytes = pc_config_uint(&c, "max_bytes", none, 0, most);
    v->min_words = pc_config_uint(&c, "min_words", none, 0, most);
    v->max_words = pc_config_uint(&c, "max_words", none, 0, most);
    v->max_repeat = pc_config_num(&c, "max_repeat", -1, 0, 1);
    v->ngram = (unsigned)pc_config_uint(&c, "ngram", 4, 1, 16);
    v->share = pc_config_word(&c, "score", ways, 0) == 1;
    if (v->max_repeat < 0)
        v->ngram = 0;
    bool any = v->n_tags || v->boxed || v->ngram || v->min_bytes != none || v->max_bytes != none ||
               v->min_words != none || v->max_words != none;
    if (!any)
        pc_config_fail(&c, "config asks for nothing; give tags, boxed, a length or max_repeat");
    return pc_config_close(&c);
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d;
    (void)host;
    format *v = pc_calloc(1, sizeof *v);
    if (!v)
        return ASSAY_E_NOMEM;
    v->base = (assay_verifier){ .size = sizeof v->base,
                                .data = v,
                                .destroy = destroy,
                                .score = score,
                                .extension = extension };
    assay_status rc = read_config(v, config, err);
    if (rc) {
        pc_free(v);
        return rc;
    }
    *out = &v->base;
    return ASSAY_OK;
}

static const char *const tags[] = { "format", NULL };
static const assay_descriptor descriptor = {
    .size = sizeof descriptor,
    .flags = ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT,
    .id = "org.assay.format",
    .name = "Format",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "tags in order, a box, length limits, little repetition",
    .url = "",
    .tags = tags,
    .config_schema = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
                     "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":8,"
                     "\"default\":[\"think\",\"answer\"]},"
                     "\"outside\":{\"type\":\"boolean\",\"default\":false,\"description\":\"text "
                     "outside the tags is allowed\"},"
                     "\"boxed\":{\"type\":\"boolean\",\"default\":false},"
                     "\"min_bytes\":{\"type\":\"integer\",\"minimum\":0},\"max_bytes\":{\"type\":"
                     "\"integer\",\"minimum\":0},"
                     "\"min_words\":{\"type\":\"integer\",\"minimum\":0},\"max_words\":{\"type\":"
                     "\"integer\",\"minimum\":0},"
                     "\"ngram\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":16,\"default\":4},"
                     "\"max_repeat\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1,"
                     "\"description\":\"share of n-grams seen before\"},"
                     "\"score\":{\"enum\":[\"all\",\"share\"],\"default\":\"all\"}}}",
    .revision = 1,
    .cost_us = 3,
    .score_min = 0,
    .score_max = 1,
    .create = create,
};
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
