/* assay.c -- libassay's public face: assay.h over the host's registry, scorer, vote and cache.
 *
 * Nothing of the caller's is kept: texts are copied into the arena of the call, NUL-terminated and
 * valid UTF-8 as the plugin ABI promises its verifiers, whatever a foreign language passed in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <assay/assay.h>

#include "base/jspan.h"
#include "base/mem.h"
#include "eval/passk.h"
#include "plug/info.h"
#include "plug/scorer.h"
#include "plug/vote.h"

#include <stdlib.h>

struct assay_library {
    as_registry *registry;
    as_cache *cache; /* NULL: none asked for */
    as_scorer_options defaults;
};

struct assay_scorer {
    as_scorer *scorer;
};

struct assay_results {
    as_arena arena;
    assay_result *rows; /* in the arena */
    size_t n;
};

/* ---- errors ---- */

/* The host's codes mean exit statuses; an embedder knows those of plugin.h. */
static int32_t public_code(int code)
{
    switch (code) {
    case AS_OK:
        return ASSAY_OK;
    case AS_EUSAGE:
        return ASSAY_E_CONFIG;
    case AS_EDATA:
        return ASSAY_E_ARG;
    case AS_ENOMEM:
        return ASSAY_E_NOMEM;
    case AS_EIO:
    case AS_EREMOTE:
        return ASSAY_E_IO;
    case AS_ESANDBOX:
        return ASSAY_E_UNSUPPORTED;
    case AS_EINTR:
    case AS_ETERM:
        return ASSAY_E_CANCELLED;
    default:
        return ASSAY_E_FAIL;
    }
}

/* Copies as much as the caller's struct, of whatever age, has room for. */
static int report(assay_error *err, const as_err *e)
{
    int32_t code = public_code(e->code);
    if (!err || !AS_HAS(err, code))
        return code;
    err->code = code;
    size_t room = err->size < sizeof *err ? err->size : sizeof *err;
    if (room <= offsetof(assay_error, text))
        return code;
    room -= offsetof(assay_error, text);
    size_t len = strnlen(e->text, sizeof e->text);
    if (len >= room) /* cut between characters, not inside one */
        len = as_utf8_valid((as_str){ e->text, room - 1 });
    memcpy(err->text, e->text, len);
    err->text[len] = '\0';
    return code;
}

static int refuse(assay_error *err, int code, const char *text)
{
    as_err e = { 0 };
    (void)as_fail(&e, code, "%s", text);
    return report(err, &e);
}

/* ---- library ---- */

const char *assay_version(void)
{
    return ASSAY_VERSION;
}

const char *assay_verdict_name(int32_t verdict)
{
    return as_verdict_word(verdict >= ASSAY_UNSET && verdict <= ASSAY_ERROR ? (assay_verdict)verdict
                                                                            : ASSAY_UNSET);
}

/* The options as this version knows them: fields an older program does not have are 0; fields a
 * newer program has must be 0, or we would silently not do what it asks. */
static int read_options(const assay_options *in, assay_options *out, as_err *err)
{
    enum { ABSURD = 4096 };
    *out = (assay_options){ .size = sizeof *out };
    if (!in)
        return 0;
    if (in->size < sizeof in->size || in->size > ABSURD)
        return as_fail(err, AS_EUSAGE,
                       "assay_options: size is %u; set it to sizeof(assay_options), %zu here",
                       (unsigned)in->size, sizeof *in);
    const unsigned char *bytes = (const unsigned char *)in;
    for (size_t i = sizeof *in; i < in->size; i++) {
        if (bytes[i])
            return as_fail(err, AS_EUSAGE,
                           "assay_options: byte %zu is set, but libassay %s knows %zu bytes only; "
                           "update libassay or leave the newer field 0",
                           i, ASSAY_VERSION, sizeof *in);
    }
    out->threads = AS_HAS(in, threads) ? in->threads : 0;
    out->timeout_ms = AS_HAS(in, timeout_ms) ? in->timeout_ms : 0;
    out->isolation = AS_HAS(in, isolation) ? in->isolation : 0;
    out->plugin_path = AS_HAS(in, plugin_path) ? in->plugin_path : NULL;
    out->cache_path = AS_HAS(in, cache_path) ? in->cache_path : NULL;
    if (out->isolation > AS_ISOLATION_JAIL)
        return as_fail(
            err, AS_EUSAGE,
            "assay_options: isolation is %u (allowed: 0 auto, 1 in process, 2 worker, 3 jail)",
            (unsigned)out->isolation);
    return 0;
}

static int open_library(assay_library *lib, const assay_options *options, as_err *err)
{
    assay_options known;
    int rc = read_options(options, &known, err);
    if (rc < 0)
        return rc;
    as_registry_options where = { .plugin_path = known.plugin_path };
    rc = as_registry_open(&lib->registry, &where, err);
    if (rc < 0)
        return rc;
    if (known.cache_path) {
        rc = as_cache_open(&lib->cache, known.cache_path, err);
        if (rc < 0)
            return rc;
    }
    lib->defaults = (as_scorer_options){ .isolation = (as_isolation)known.isolation,
                                         .threads = known.threads,
                                         .timeout_ms = known.timeout_ms,
                                         .cache = lib->cache };
    return 0;
}

int assay_library_open(assay_library **out, const assay_options *options, assay_error *err)
{
    as_err e = { 0 };
    if (!out)
        return refuse(err, AS_EDATA, "assay_library_open: out is NULL");
    *out = NULL;
    assay_library *lib = as_calloc(1, sizeof *lib);
    if (!lib)
        return refuse(err, AS_ENOMEM, "assay_library_open: out of memory");
    if (open_library(lib, options, &e) < 0)
        assay_library_close(lib);
    else
        *out = lib;
    return report(err, &e);
}

void assay_library_close(assay_library *lib)
{
    if (!lib)
        return;
    as_cache_close(lib->cache);
    as_registry_close(lib->registry);
    as_free(lib);
}

int assay_register(const assay_entry *entry, assay_error *err)
{
    as_err e = { 0 };
    if (!entry)
        return refuse(err, AS_EDATA, "assay_register: entry is NULL");
    (void)as_registry_add_static(entry, &e);
    return report(err, &e);
}

int assay_scorer_open(assay_library *lib, const char *name_and_config, assay_scorer **out,
                      assay_error *err)
{
    as_err e = { 0 };
    if (!out)
        return refuse(err, AS_EDATA, "assay_scorer_open: out is NULL");
    *out = NULL;
    if (!lib || !name_and_config)
        return refuse(err, AS_EDATA, "assay_scorer_open: the library or the name is NULL");
    assay_scorer *s = as_calloc(1, sizeof *s);
    if (!s)
        return refuse(err, AS_ENOMEM, "assay_scorer_open: out of memory");
    if (as_scorer_open(&s->scorer, lib->registry, name_and_config, &lib->defaults, &e) < 0)
        as_free(s);
    else
        *out = s;
    return report(err, &e);
}

void assay_scorer_close(assay_scorer *s)
{
    if (!s)
        return;
    as_scorer_close(s->scorer);
    as_free(s);
}

/* ---- items ---- */

/* UTF-8 with what is not UTF-8 replaced by U+FFFD, as the JSONL reader does with escapes that mean
 * nothing. */
static as_str repaired(as_str text, as_arena *arena)
{
    size_t max = 0;
    if (!as_mul_ok(text.len, 3, &max) || !as_add_ok(max, 1, &max))
        return (as_str){ NULL, 0 };
    char *out = as_arena_alloc(arena, max);
    size_t n = 0;
    while (out && text.len) {
        size_t good = as_utf8_valid(text);
        memcpy(out + n, text.data, good);
        n += good;
        text = (as_str){ text.data + good, text.len - good };
        if (text.len) {
            memcpy(out + n, "\xEF\xBF\xBD", 3);
            n += 3;
            text = (as_str){ text.data + 1, text.len - 1 };
        }
    }
    if (out)
        out[n] = '\0';
    return (as_str){ out, n };
}

static int copy_text(as_str *out, as_str in, const char *what, size_t i, as_arena *arena,
                     as_err *err)
{
    *out = (as_str){ NULL, 0 };
    if (!in.data && in.len)
        return as_fail(err, AS_EDATA, "item %zu: %s has %zu bytes but no data", i, what, in.len);
    if (!in.data)
        return 0;
    *out = as_utf8_valid(in) == in.len ? as_arena_str(arena, in) : repaired(in, arena);
    return out->data
               ? 0
               : as_fail(err, AS_ENOMEM, "item %zu: no memory for %s (%zu bytes)", i, what, in.len);
}

static int copy_item(as_items *to, uint32_t i, const assay_item *from, as_arena *arena, as_err *err)
{
    int rc = copy_text(&to->prompt[i], from->prompt, "prompt", i, arena, err);
    if (rc == 0)
        rc = copy_text(&to->completion[i], from->completion.data ? from->completion : AS_LIT(""),
                       "completion", i, arena, err);
    if (rc == 0)
        rc = copy_text(&to->reference[i], from->reference, "reference", i, arena, err);
    if (rc == 0)
        rc = copy_text(&to->meta[i], from->meta, "meta", i, arena, err);
    to->group[i] = from->group;
    to->seed[i] = from->seed;
    if (rc < 0 || !to->meta[i].data)
        return rc;
    as_jspan meta = { .kind = AS_J_NONE };
    rc = as_json_scan(to->meta[i], &meta, err);
    if (rc == 0 && meta.kind != AS_J_OBJECT)
        rc = as_fail(err, AS_EDATA, "it is not a JSON object");
    if (rc < 0)
        as_err_prefix(err, "item %u: meta", (unsigned)i);
    return rc;
}

static int by_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Numbers groups from 0 in the order given, as every other way into the scorer does. A group in two
 * places would be two groups to a verifier that judges whole ones. */
static int number_groups(as_items *items, as_arena *arena, as_err *err)
{
    uint64_t *names = as_arena_calloc(arena, items->n ? items->n : 1, sizeof *names);
    if (!names)
        return as_fail(err, AS_ENOMEM, "no memory for %u items", (unsigned)items->n);
    size_t n = 0;
    for (uint32_t i = 0; i < items->n; i++) {
        uint64_t name = items->group[i];
        if (n == 0 || names[n - 1] != name)
            names[n++] = name;
        items->group[i] = n - 1;
    }
    qsort(names, n, sizeof *names, by_u64);
    for (size_t k = 1; k < n; k++) {
        if (names[k] == names[k - 1])
            return as_fail(
                err, AS_EDATA,
                "group %llu stands in two places; put the items of a group next to each other",
                (unsigned long long)names[k]);
    }
    return 0;
}

static int copy_items(as_items *out, const assay_item *items, size_t n, as_arena *arena,
                      as_err *err)
{
    *out = (as_items){ 0 };
    if (n >= UINT32_MAX)
        return as_fail(err, AS_EDATA, "%zu items in one call; pass fewer than 4 billion at a time",
                       n);
    if (n && !items)
        return as_fail(err, AS_EDATA, "items is NULL, n is %zu", n);
    size_t m = n ? n : 1;
    as_item *blank = as_arena_calloc(arena, m, sizeof *blank);
    *out = (as_items){ .n = (uint32_t)n,
                       .item = blank,
                       .prompt = as_arena_calloc(arena, m, sizeof(as_str)),
                       .completion = as_arena_calloc(arena, m, sizeof(as_str)),
                       .reference = as_arena_calloc(arena, m, sizeof(as_str)),
                       .meta = as_arena_calloc(arena, m, sizeof(as_str)),
                       .group = as_arena_calloc(arena, m, sizeof(uint64_t)),
                       .seed = as_arena_calloc(arena, m, sizeof(uint64_t)) };
    if (!blank || !out->prompt || !out->completion || !out->reference || !out->meta ||
        !out->group || !out->seed)
        return as_fail(err, AS_ENOMEM, "no memory for %zu items", n);
    for (uint32_t i = 0; i < out->n; i++) {
        int rc = copy_item(out, i, &items[i], arena, err);
        if (rc < 0)
            return rc;
    }
    return number_groups(out, arena, err);
}

/* ---- results ---- */

/* A results object to fill: the caller's, emptied, or a new one. */
static assay_results *results_for(assay_results *old)
{
    assay_results *r = old ? old : as_calloc(1, sizeof *r);
    if (!r)
        return NULL;
    if (old)
        as_arena_reset(&r->arena);
    else
        as_arena_init(&r->arena, 0);
    r->rows = NULL;
    r->n = 0;
    return r;
}

static int fill_rows(assay_results *to, const as_results *from, as_err *err)
{
    to->rows = as_arena_calloc(&to->arena, from->n ? from->n : 1, sizeof *to->rows);
    if (!to->rows)
        return as_fail(err, AS_ENOMEM, "no memory for %u results", (unsigned)from->n);
    to->n = from->n;
    for (uint32_t i = 0; i < from->n; i++) {
        to->rows[i] = (assay_result){ .score = from->score[i],
                                      .verdict = from->verdict[i],
                                      .answer = as_results_get(from, i, ASSAY_OUT_ANSWER),
                                      .key = as_results_get(from, i, ASSAY_OUT_KEY),
                                      .rule = as_results_get(from, i, ASSAY_OUT_RULE),
                                      .reason = as_results_get(from, i, ASSAY_OUT_REASON),
                                      .explain = as_results_get(from, i, ASSAY_OUT_EXPLAIN) };
    }
    return 0;
}

const assay_result *assay_results_rows(const assay_results *r, size_t *n)
{
    if (n)
        *n = r ? r->n : 0;
    return r ? r->rows : NULL;
}

void assay_results_free(assay_results *r)
{
    if (!r)
        return;
    as_arena_fini(&r->arena);
    as_free(r);
}

/* After a failure: nothing half-filled is handed out, and what the caller owned stays the caller's.
 */
static void drop_results(assay_results *r, assay_results **out)
{
    r->rows = NULL;
    r->n = 0;
    if (!*out)
        assay_results_free(r);
}

/* ---- scoring and voting ---- */

static int score_into(assay_scorer *s, const assay_item *items, size_t n, uint32_t flags,
                      assay_results *r, as_err *err)
{
    const uint32_t known = ASSAY_WANT_EXPLAIN | ASSAY_WANT_ANSWER | ASSAY_WANT_DETAIL;
    as_items columns;
    as_results scored;
    if (flags & ~known)
        return as_fail(err, AS_EDATA, "flags 0x%x: unknown bits 0x%x", (unsigned)flags,
                       (unsigned)(flags & ~known));
    int rc = copy_items(&columns, items, n, &r->arena, err);
    if (rc < 0)
        return rc;
    rc = as_scorer_score(s->scorer, &columns, flags, &r->arena, &scored, err);
    if (rc < 0)
        return rc;
    return fill_rows(r, &scored, err);
}

int assay_score(assay_scorer *s, const assay_item *items, size_t n, uint32_t flags,
                assay_results **out, assay_error *err)
{
    as_err e = { 0 };
    if (!s || !out)
        return refuse(err, AS_EDATA, "assay_score: the scorer or out is NULL");
    assay_results *r = results_for(*out);
    if (!r)
        return refuse(err, AS_ENOMEM, "assay_score: out of memory");
    if (score_into(s, items, n, flags, r, &e) < 0)
        drop_results(r, out);
    else
        *out = r;
    return report(err, &e);
}

static int same_answer(void *ctx, as_str a, as_str b)
{
    return as_scorer_same(ctx, a, b);
}

/* The vote over the items whose extraction did not fail: a failure of ours is no blank answer. */
typedef struct poll {
    as_str *key, *answer;
    uint32_t *item; /* which item each row is */
    uint32_t n;
} poll;

static int make_poll(poll *p, const as_results *got, as_arena *arena, as_err *err)
{
    size_t m = got->n ? got->n : 1;
    *p = (poll){ .key = as_arena_calloc(arena, m, sizeof(as_str)),
                 .answer = as_arena_calloc(arena, m, sizeof(as_str)),
                 .item = as_arena_calloc(arena, m, sizeof(uint32_t)) };
    if (!p->key || !p->answer || !p->item)
        return as_fail(err, AS_ENOMEM, "vote: no memory for %u samples", (unsigned)got->n);
    for (uint32_t i = 0; i < got->n; i++) {
        if (got->verdict[i] == ASSAY_ERROR)
            continue;
        p->key[p->n] = as_results_get(got, i, ASSAY_OUT_KEY);
        p->answer[p->n] = as_results_get(got, i, ASSAY_OUT_ANSWER);
        p->item[p->n++] = i;
    }
    return 0;
}

static int vote_into(assay_scorer *s, const assay_item *items, size_t n, uint32_t *class_of,
                     as_vote *vote, assay_results *r, as_err *err)
{
    as_items columns;
    as_results got;
    poll p;
    int rc = copy_items(&columns, items, n, &r->arena, err);
    if (rc < 0)
        return rc;
    rc = as_scorer_extract(s->scorer, &columns, &r->arena, &got, err);
    if (rc < 0)
        return rc;
    rc = make_poll(&p, &got, &r->arena, err);
    if (rc < 0)
        return rc;
    rc = as_vote_run(vote, p.key, p.answer, NULL, p.n, same_answer, s->scorer, AS_TIE_KEY,
                     &r->arena, err);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; class_of && i < columns.n; i++)
        class_of[i] = UINT32_MAX;
    for (uint32_t v = 0; class_of && v < p.n; v++)
        class_of[p.item[v]] = vote->class_of[v];
    return fill_rows(r, &got, err);
}

int assay_vote(assay_scorer *s, const assay_item *items, size_t n, uint32_t *class_of,
               assay_str *label, double *ratio, int32_t *tie, assay_results **out, assay_error *err)
{
    as_err e = { 0 };
    as_vote vote = { .winner = UINT32_MAX };
    if (!s || !out)
        return refuse(err, AS_EDATA, "assay_vote: the scorer or out is NULL");
    assay_results *r = results_for(*out);
    if (!r)
        return refuse(err, AS_ENOMEM, "assay_vote: out of memory");
    bool done = vote_into(s, items, n, class_of, &vote, r, &e) == 0;
    if (done)
        *out = r;
    else
        drop_results(r, out);
    bool has_label = done && vote.winner != UINT32_MAX;
    if (label)
        *label = has_label ? vote.classes[vote.winner].answer : (as_str){ NULL, 0 };
    if (ratio)
        *ratio = done ? vote.ratio : 0;
    if (tie)
        *tie = done && vote.tie;
    return report(err, &e);
}

double assay_pass_at_k(uint64_t n, uint64_t c, uint64_t k)
{
    return as_pass_at_k(n, c, k);
}
