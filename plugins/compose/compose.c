/* compose.c -- org.assay.compose: one reward made of several verifiers: weighted sum, product or
 * minimum, with gates.
 *
 * A gate that fails makes the whole FAIL 0, whatever the other parts say. Otherwise a part that
 * cannot tell makes the whole ABSTAIN or ERROR, never 0: a reward of 0 for our own failure would
 * teach the model something false. SPDX-License-Identifier: Apache-2.0 */
#include "common/emit.h"
#include "common/parts.h"

#include <stdio.h>

enum { MAX_PARTS = 16, NAME_BYTES = 48, CHUNK = 256 };
typedef enum mode { MODE_SUM, MODE_PRODUCT, MODE_MIN } mode;
typedef struct part {
    char name[NAME_BYTES]; /* also its key in the metrics */
    uint32_t id;
    double weight;
    bool gate;
} part;
typedef struct compose {
    assay_verifier base;
    const assay_host *host;
    const assay_svc_verifiers *svc;
    part parts[MAX_PARTS];
    unsigned n_parts;
    mode mode;
    double pass_at;
} compose;

/* What the parts said of a batch: rows of n, one per part. */
typedef struct said {
    float *score;
    assay_verdict *verdict;
    uint32_t n;
} said;

static bool passed(assay_verdict v)
{
    return v == ASSAY_PASS;
}

static bool is_scored(assay_verdict v)
{
    return v >= ASSAY_PASS && v <= ASSAY_TIMEOUT;
}

/* The first gate that item i did not pass, or n_parts. */
static unsigned first_gate_lost(const compose *v, const said *s, uint32_t i)
{
    unsigned k = 0;
    while (k < v->n_parts && !(v->parts[k].gate && is_scored(s->verdict[k * s->n + i]) &&
                               !passed(s->verdict[k * s->n + i])))
        k++;
    return k;
}

/* ERROR before ABSTAIN: it may be retried. n_parts: all are scored. */
static unsigned first_unscored(const compose *v, const said *s, uint32_t i)
{
    unsigned found = v->n_parts;
    for (unsigned k = 0; k < v->n_parts; k++) {
        assay_verdict said_by = s->verdict[k * s->n + i];
        if (is_scored(said_by))
            continue;
        if (said_by != ASSAY_ABSTAIN)
            return k;
        if (found == v->n_parts)
            found = k;
    }
    return found;
}

/* In [0, 1]: the weights are shares; gates of weight 0 only gate. */
static double combine(const compose *v, const said *s, uint32_t i)
{
    double sum = 0, weights = 0, product = 1, least = 1;
    for (unsigned k = 0; k < v->n_parts; k++) {
        double w = v->parts[k].weight, x = (double)s->score[k * s->n + i];
        x = x < 0 ? 0 : x > 1 ? 1 : x;
        if (w <= 0)
            continue;
        sum += w * x;
        weights += w;
        product *= pow(x, w);
        least = x < least ? x : least;
    }
    if (v->mode == MODE_PRODUCT)
        return product;
    if (v->mode == MODE_MIN)
        return least;
    return weights > 0 ? sum / weights : 1;
}

static void emit_metrics(const compose *v, const assay_call *call, const said *s, uint32_t i)
{
    pc_buf b = { 0 };
    for (unsigned k = 0; k < v->n_parts; k++) {
        double x = (double)s->score[k * s->n + i];
        if (is_scored(s->verdict[k * s->n + i]) && isfinite(x))
            pc_buf_fmt(&b, "%c\"%s\":%.9g", b.len ? ',' : '{', v->parts[k].name, x);
    }
    if (b.len) {
        pc_buf_byte(&b, '}');
        if (!b.failed)
            pc_emit(call, i, ASSAY_OUT_METRICS, pc_buf_str(&b));
    }
    pc_buf_fini(&b);
}

static void explain(const compose *v, const assay_call *call, const said *s, uint32_t i)
{
    static const char *const words[] = { "unset",   "pass",    "fail", "no_answer",
                                         "timeout", "abstain", "error" };
    pc_buf b = { 0 };
    for (unsigned k = 0; k < v->n_parts; k++) {
        const part *p = &v->parts[k];
        assay_verdict d = s->verdict[k * s->n + i];
        pc_buf_fmt(&b, "%s%s: %s", k ? "; " : "", p->name, d <= ASSAY_ERROR ? words[d] : "?");
        if (is_scored(d))
            pc_buf_fmt(&b, " %.4g", (double)s->score[k * s->n + i]);
        if (p->gate)
            pc_buf_text(&b, " (gate)");
        else
            pc_buf_fmt(&b, " (weight %.4g)", p->weight);
    }
    if (!b.failed)
        pc_emit(call, i, ASSAY_OUT_EXPLAIN, pc_buf_str(&b));
    pc_buf_fini(&b);
}

static void decide(const compose *v, const assay_call *call, const said *s, assay_scores *out,
                   uint32_t i)
{
    char reason[128];
    unsigned k = first_gate_lost(v, s, i);
    if (k < v->n_parts) {
        (void)snprintf(reason, sizeof reason, "the gate %s did not pass", v->parts[k].name);
        pc_set(call, out, i, ASSAY_FAIL, 0, "gate", reason);
        return;
    }
    k = first_unscored(v, s, i);
    if (k < v->n_parts) {
        bool abstains = s->verdict[k * s->n + i] == ASSAY_ABSTAIN;
        (void)snprintf(reason, sizeof reason, "part %s %s", v->parts[k].name,
                       abstains ? "cannot tell" : "failed (our failure, not the model's)");
        pc_set(call, out, i, abstains ? ASSAY_ABSTAIN : ASSAY_ERROR, 0, "part", reason);
        return;
    }
    double x = combine(v, s, i);
    bool pass = x >= v->pass_at;
    (void)snprintf(reason, sizeof reason, "the score %.4g is below %.4g", x, v->pass_at);
    static const char *const rules[] = { "sum", "product", "min" };
    pc_set(call, out, i, pass ? ASSAY_PASS : ASSAY_FAIL, (float)x, rules[v->mode],
           pass ? NULL : reason);
}

/* A batch of nothing tells whether a part votes, without work: the first that does lends its
 * answers. */
static const part *find_voter(const compose *v, const assay_call *call)
{
    const assay_batch none = { .size = sizeof none };
    assay_error unread = { .size = sizeof unread };
    for (unsigned k = 0; k < v->n_parts; k++)
        if (v->svc->extract(v->host, call, v->parts[k].id, &none, &unread) != ASSAY_E_UNSUPPORTED)
            return &v->parts[k];
    return NULL;
}

static assay_status extract(assay_verifier *base, const assay_call *call, const assay_batch *b,
                            assay_error *err)
{
    const compose *v = base->data;
    const part *p = find_voter(v, call);
    if (p)
        return v->svc->extract(v->host, call, p->id, b, err);
    pc_error(err, ASSAY_E_UNSUPPORTED, "none of the parts offers an answer to vote on");
    return ASSAY_E_UNSUPPORTED;
}

static int32_t same(assay_verifier *base, const assay_call *call, assay_str a, assay_str b)
{
    const compose *v = base->data;
    const part *p = find_voter(v, call);
    return p ? v->svc->same(v->host, call, p->id, a, b) : ASSAY_E_UNSUPPORTED;
}

/* In chunks, so that a cancellation is seen between them. */
static assay_status ask_parts(const compose *v, const assay_call *call, const assay_batch *b,
                              said *s, assay_error *err)
{
    for (uint32_t lo = 0, hi; lo < b->n; lo = hi) {
        hi = b->n - lo > CHUNK ? lo + CHUNK : b->n;
        assay_batch some = pc_slice_batch(b, lo, hi);
        for (unsigned k = 0; k < v->n_parts; k++) {
            if (pc_cancelled(call))
                return ASSAY_E_CANCELLED;
            size_t at = (size_t)k * b->n + lo;
            assay_scores one = {
                .size = sizeof one, .n = some.n, .score = s->score + at, .verdict = s->verdict + at
            };
            assay_status rc = v->svc->score(v->host, call, v->parts[k].id, &some, &one, err);
            if (rc)
                return rc;
        }
    }
    return ASSAY_OK;
}

static assay_status score(assay_verifier *base, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    const compose *v = base->data;
    said s = { .n = b->n };
    s.score = pc_calloc((size_t)v->n_parts * b->n, sizeof *s.score);
    s.verdict = pc_calloc((size_t)v->n_parts * b->n, sizeof *s.verdict);
    assay_status rc = s.score && s.verdict ? ask_parts(v, call, b, &s, err) : ASSAY_E_NOMEM;
    for (uint32_t i = 0; rc == ASSAY_OK && i < b->n; i++) {
        if (i % CHUNK == 0 && pc_cancelled(call))
            rc = ASSAY_E_CANCELLED;
        emit_metrics(v, call, &s, i);
        if (pc_wants(call, ASSAY_WANT_EXPLAIN))
            explain(v, call, &s, i);
        decide(v, call, &s, out, i);
    }
    if (rc == ASSAY_OK && pc_wants(call, ASSAY_WANT_ANSWER)) {
        rc = extract(base, call, b, err);
        rc = rc == ASSAY_E_UNSUPPORTED ? ASSAY_OK : rc;
    }
    pc_free(s.score);
    pc_free(s.verdict);
    return rc;
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

/* The name of a part as a metric: its verifier's last component, numbered where it comes twice. */
static void name_part(compose *v, const char *verifier)
{
    part *p = &v->parts[v->n_parts];
    const char *slash = strrchr(verifier, '/');
    char plain[NAME_BYTES - 4];
    size_t n = 0;
    for (const char *s = slash ? slash + 1 : verifier; *s && n + 1 < sizeof plain; s++) {
        bool fits = pc_is_alpha(*s) || pc_is_digit(*s) || pc_in(*s, "._-#");
        plain[n] = '_';
        if (fits)
            plain[n] = *s;
        n++;
    }
    plain[n] = 0;
    unsigned twins = 0;
    for (unsigned k = 0; k < v->n_parts; k++)
        twins += strncmp(v->parts[k].name, plain, n) == 0 &&
                 (!v->parts[k].name[n] || v->parts[k].name[n] == ':');
    if (twins)
        (void)snprintf(p->name, sizeof p->name, "%s:%u", plain, twins + 1);
    else
        (void)snprintf(p->name, sizeof p->name, "%s", plain);
}

static void add_part(compose *v, const pc_config *parent, const cJSON *spec, pc_config *c)
{
    pc_config_inner(c, parent, spec, "a part");
    if (c->failed)
        return;
    const char *verifier = pc_config_str(c, "verifier", NULL);
    const cJSON *config = pc_config_get(c, "config");
    part *p = &v->parts[v->n_parts];
    p->gate = pc_config_bool(c, "gate", false);
    p->weight = pc_config_num(c, "weight", p->gate ? 0 : 1, 0, 1e6);
    if (!verifier)
        pc_config_fail(c, "a part needs \"verifier\": its name or path");
    if (verifier &&
        (strcmp(verifier, "majority") == 0 || strcmp(verifier, "org.assay.majority") == 0))
        pc_config_fail(c, "part \"majority\" needs whole groups, which parts are not given; use "
                          "majority by itself");
    pc_config_check(c);
    if (!verifier || c->failed)
        return;
    name_part(v, verifier);
    if (pc_part_open(c, v->host, verifier, config, &p->id))
        v->n_parts++;
}

static void read_config(compose *v, pc_config *c)
{
    static const char *const modes[] = { "sum", "product", "min", NULL };
    const cJSON *parts = pc_config_get(c, "parts"), *spec;
    v->mode = (mode)pc_config_word(c, "mode", modes, MODE_SUM);
    v->pass_at = pc_config_num(c, "pass_at", 1.0 - 1e-6, 0, 1);
    int n = cJSON_IsArray(parts) ? cJSON_GetArraySize(parts) : 0;
    if (!parts && !c->failed) { /* nothing said: mathematics alone, which shows what a part is */
        v->parts[0] = (part){ .name = "math", .weight = 1 };
        v->n_parts = pc_part_open(c, v->host, "math", NULL, &v->parts[0].id);
        return;
    }
    if (n < 1 || n > MAX_PARTS)
        pc_config_fail(c,
                       "config key \"parts\" must be a list of 1 to %d parts: "
                       "{\"verifier\":NAME,\"weight\":1}",
                       MAX_PARTS);
    pc_config_check(c);
    if (c->failed)
        return;
    cJSON_ArrayForEach(spec, parts)
    {
        pc_config inner;
        add_part(v, c, spec, &inner);
        c->failed = c->failed || inner.failed;
        if (c->failed)
            return;
    }
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d;
    const assay_svc_verifiers *svc = pc_parts_service(host, err);
    if (!svc)
        return ASSAY_E_UNSUPPORTED;
    compose *v = pc_calloc(1, sizeof *v);
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

static const char *const tags[] = { "composition", NULL };
static const assay_descriptor descriptor = {
    .size = sizeof descriptor,
    /* as DETERMINISTIC as its parts, which are not known here: they have their own caches, so
       nothing is lost */
    .flags = ASSAY_F_REENTRANT,
    .id = "org.assay.compose",
    .name = "Composition",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "weighted sum, product or minimum of other verifiers, with gates",
    .url = "",
    .tags = tags,
    .config_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"parts\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":16,\"items\":{\"type\":"
        "\"object\","
        "\"required\":[\"verifier\"],\"additionalProperties\":false,\"properties\":{"
        "\"verifier\":{\"type\":\"string\"},\"config\":{\"type\":\"object\"},"
        "\"weight\":{\"type\":\"number\",\"minimum\":0,\"description\":\"1; of a gate 0\"},"
        "\"gate\":{\"type\":\"boolean\",\"default\":false}}}},"
        "\"mode\":{\"enum\":[\"sum\",\"product\",\"min\"],\"default\":\"sum\"},"
        "\"pass_at\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1,\"default\":0.999999}}}",
    .revision = 1,
    .cost_us = 10,
    .score_min = 0,
    .score_max = 1,
    .create = create,
};
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
