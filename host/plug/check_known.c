/* check_known.c -- known answers: PLUGIN.check.jsonl, one item and its verdict per line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"
#include "plug/check_env.h"

#include <math.h>
#include <stdio.h>

enum { MAX_BYTES = 64 << 20, MAX_LINES = 100000 };

/* ---- reading ---- */

static const char *const members[] = { "config", "reference", "completion", "prompt",
                                       "meta",   "group",     "verdict",    "score",
                                       "answer", "key",       "rule",       "why" };

static int check_members(as_jspan object, as_err *err)
{
    as_jspan key;
    as_jspan value;
    for (size_t at = 0; as_jobject_next(object, &at, &key, &value);) {
        bool known = false;
        for (size_t i = 0; !known && i < sizeof(members) / sizeof(members[0]); i++)
            known = as_jspan_is(key, members[i]);
        if (!known)
            return as_fail(
                err, AS_EDATA,
                "member %.*s unknown (known: config, reference, completion, prompt, meta, group, "
                "verdict, score, answer, key, rule, why)",
                (int)(key.text.len < 60 ? key.text.len : 60), key.text.data);
    }
    return 0;
}

/* Strings unescaped, everything else as it stands; null is absent. */
static as_str text_of(as_jspan object, const char *key, as_arena *arena)
{
    as_jspan span = as_jobject_get(object, key);
    if (span.kind == AS_J_NONE || span.kind == AS_J_NULL)
        return (as_str){ NULL, 0 };
    return span.kind == AS_J_STRING ? as_jstring(span, arena, NULL)
                                    : as_arena_str(arena, span.text);
}

static as_str raw_object(as_jspan object, const char *key, as_arena *arena, as_err *err)
{
    as_jspan span = as_jobject_get(object, key);
    if (span.kind == AS_J_NONE || span.kind == AS_J_NULL)
        return (as_str){ NULL, 0 };
    if (span.kind != AS_J_OBJECT)
        as_fail(err, AS_EDATA, "\"%s\" is not an object", key);
    return as_arena_str(arena, span.text);
}

static int read_line(as_known *k, as_str line, as_arena *arena, as_err *err)
{
    as_jspan object;
    int rc = as_json_scan(line, &object, err);
    if (rc < 0)
        return rc;
    if (object.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "not a JSON object");
    rc = check_members(object, err);
    if (rc < 0)
        return rc;
    k->config = raw_object(object, "config", arena, err);
    k->meta = raw_object(object, "meta", arena, err);
    k->completion = text_of(object, "completion", arena);
    k->reference = text_of(object, "reference", arena);
    k->prompt = text_of(object, "prompt", arena);
    k->group = text_of(object, "group", arena);
    k->answer = text_of(object, "answer", arena);
    k->key = text_of(object, "key", arena);
    k->rule = text_of(object, "rule", arena);
    k->why = text_of(object, "why", arena);
    as_str verdict = text_of(object, "verdict", arena);
    as_jspan score = as_jobject_get(object, "score");
    k->has_score = score.kind == AS_J_NUMBER && as_jnumber(score, &k->score);
    if (err->code != 0)
        return err->code;
    if (!k->completion.data)
        return as_fail(err, AS_EDATA, "\"completion\" is missing");
    if (!verdict.data || !as_verdict_of_word(verdict, &k->verdict))
        return as_fail(
            err, AS_EDATA,
            "\"verdict\" is missing or none of pass, fail, no_answer, timeout, abstain, error");
    return 0;
}

static int read_lines(as_known_set *out, as_str text, as_arena *arena, as_err *err)
{
    uint64_t line_no = 0;
    for (size_t at = 0; at < text.len;) {
        const char *line = text.data + at;
        const char *end = memchr(line, '\n', text.len - at);
        as_str s = { line, end ? (size_t)(end - line) : text.len - at };
        at += s.len + 1;
        line_no++;
        if (as_str_is_blank(s))
            continue;
        if (out->n == MAX_LINES)
            return as_fail(err, AS_EDATA, "%s: more than %d lines", out->path, MAX_LINES);
        as_known *k = &out->at[out->n++];
        k->line_no = line_no;
        int rc = read_line(k, s, arena, err);
        if (rc < 0) {
            as_err_prefix(err, "%s:%llu", out->path, (unsigned long long)line_no);
            return rc;
        }
        out->n_pass += k->verdict == ASSAY_PASS;
        out->n_fail += k->verdict == ASSAY_FAIL;
    }
    return 0;
}

/* PLUGIN.check.jsonl beside PLUGIN.so, or one folder up: a plugin built in SOURCE/build. */
static char *find_file(const char *plugin)
{
    const char *slash = strrchr(plugin, '/');
    const char *dot = strrchr(plugin, '.');
    size_t folder = slash ? (size_t)(slash - plugin) + 1 : 0;
    size_t stem = dot && dot > plugin + folder ? (size_t)(dot - plugin) : strlen(plugin);
    static const char *const up[] = { "", "../" };
    for (size_t i = 0; i < 2; i++) {
        AS_CLEANUP(buf) as_buf path;
        as_buf_init(&path, 8192);
        as_buf_add(&path, (as_str){ plugin, folder });
        as_buf_text(&path, up[i]);
        as_buf_add(&path, (as_str){ plugin + folder, stem - folder });
        as_buf_text(&path, ".check.jsonl");
        if (!path.failed && as_path_exists(path.data))
            return as_strdup(path.data);
    }
    return NULL;
}

static size_t count_lines(as_str text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++)
        n += text.data[i] == '\n';
    return n < MAX_LINES ? n : MAX_LINES;
}

int as_known_read(as_known_set *out, const char *plugin, const char *file, as_arena *arena,
                  as_err *err)
{
    AS_CLEANUP(buf) as_buf bytes;
    as_buf_init(&bytes, MAX_BYTES);
    *out = (as_known_set){ 0 };
    if (file)
        out->path = as_strdup(file);
    else if (plugin)
        out->path = find_file(plugin);
    if (!out->path)
        return 0;
    int rc = as_file_read(out->path, &bytes, err);
    if (rc < 0)
        return rc;
    as_str text = as_buf_str(&bytes);
    out->at = as_arena_calloc(arena, count_lines(text), sizeof(*out->at));
    return out->at ? read_lines(out, text, arena, err)
                   : as_fail(err, AS_ENOMEM, "no memory for %s", out->path);
}

/* ---- the test ---- */

typedef struct tally {
    uint32_t n_wrong;
    char first[300];
} tally;

static void wrong(tally *t, const as_checker *c, const as_known *k, const char *what,
                  const char *got, const char *expected)
{
    if (t->n_wrong++ > 0)
        return;
    const char *file = strrchr(c->known->path, '/');
    snprintf(t->first, sizeof(t->first), "%s:%llu: %s %s, expected %s%s%.80s%s",
             file ? file + 1 : c->known->path, (unsigned long long)k->line_no, what, got, expected,
             k->why.data ? " (" : "", k->why.data ? k->why.data : "", k->why.data ? ")" : "");
}

static void compare_text(tally *t, const as_checker *c, const as_known *k, const char *what,
                         as_str got, as_str expected)
{
    char a[80];
    char b[80];
    if (expected.data && (!got.data || !as_str_eq(got, expected)))
        wrong(t, c, k, what, as_check_show(got, a, sizeof(a)),
              as_check_show(expected, b, sizeof(b)));
}

static as_str emitted(const as_outcome_of *o, uint32_t channel, uint32_t i)
{
    return o->out[channel] ? o->out[channel][i] : (as_str){ NULL, 0 };
}

static void compare(tally *t, const as_checker *c, const as_known *k, const as_outcome_of *o,
                    uint32_t i)
{
    char got[40];
    char expected[40];
    if (o->verdict[i] != k->verdict) {
        wrong(t, c, k, "verdict", as_verdict_word(o->verdict[i]), as_verdict_word(k->verdict));
        return;
    }
    if (k->has_score && !(fabs((double)o->score[i] - k->score) <= 1e-6 * fmax(1, fabs(k->score)))) {
        snprintf(got, sizeof(got), "%g", (double)o->score[i]);
        snprintf(expected, sizeof(expected), "%g", k->score);
        wrong(t, c, k, "score", got, expected);
    }
    compare_text(t, c, k, "answer", emitted(o, ASSAY_OUT_ANSWER, i), k->answer);
    compare_text(t, c, k, "key", emitted(o, ASSAY_OUT_KEY, i), k->key);
    compare_text(t, c, k, "rule", emitted(o, ASSAY_OUT_RULE, i), k->rule);
}

/* Lines lo..hi-1 as one batch of one group. */
static int ask_group(as_checker *c, assay_verifier *v, uint32_t lo, uint32_t hi, as_arena *arena,
                     tally *t)
{
    as_columns items;
    as_outcome_of o;
    if (as_columns_new(&items, hi - lo, arena) < 0)
        return as_check_fail(c, "no memory for known answers");
    for (uint32_t i = lo; i < hi; i++) {
        const as_known *k = &c->known->at[i];
        items.completion[i - lo] = k->completion;
        items.reference[i - lo] = k->reference;
        items.prompt[i - lo] = k->prompt;
        items.meta[i - lo] = k->meta;
        items.group[i - lo] = 0;
    }
    int rc = as_check_score(c, v, &items, ASSAY_WANT_ANSWER | ASSAY_WANT_EXPLAIN, arena, &o);
    if (rc < 0)
        return rc;
    if (o.status != ASSAY_OK)
        return as_check_fail(c, "%s:%llu: score() returned %s: %s", c->known->path,
                             (unsigned long long)c->known->at[lo].line_no, as_status_word(o.status),
                             o.error.text);
    for (uint32_t i = lo; i < hi; i++)
        compare(t, c, &c->known->at[i], &o, i - lo);
    return 0;
}

static bool is_same_group(const as_known *a, const as_known *b)
{
    bool same_config =
        (a->config.data == NULL) == (b->config.data == NULL) && as_str_eq(a->config, b->config);
    return same_config && a->group.data && b->group.data && as_str_eq(a->group, b->group);
}

/* The verifier for a line: made anew whenever the configuration changes. */
static int switch_config(as_checker *c, const as_known *k, assay_verifier **v, as_str *current)
{
    as_str want = k->config.data ? k->config : c->config;
    if (*v && as_str_eq(*current, want))
        return 0;
    if (*v)
        (*v)->destroy(*v);
    *v = NULL;
    *current = want;
    return as_check_create(c, want, v);
}

int as_test_known(as_checker *c)
{
    const as_known_set *known = c->known;
    assay_verifier *v = NULL;
    as_str current = { NULL, 0 };
    tally t = { 0 };
    as_arena arena;
    int rc = 0;
    if (!known->path)
        return as_check_skip(
            c, "no known answers: there is no PLUGIN.check.jsonl beside the plugin (--known FILE)");
    if (known->n_pass == 0 || known->n_fail == 0)
        return as_check_fail(
            c, "%s: needs at least one line with verdict pass and one with fail (has %u and %u)",
            known->path, known->n_pass, known->n_fail);
    as_arena_init(&arena, 0);
    for (uint32_t lo = 0, hi = 0; rc == 0 && lo < known->n; lo = hi) {
        for (hi = lo + 1; hi < known->n && is_same_group(&known->at[lo], &known->at[hi]);)
            hi++;
        rc = switch_config(c, &known->at[lo], &v, &current);
        rc = rc < 0 ? rc : ask_group(c, v, lo, hi, &arena, &t);
        as_arena_reset(&arena);
    }
    if (v)
        v->destroy(v);
    as_arena_fini(&arena);
    if (rc < 0)
        return rc;
    if (t.n_wrong > 0)
        return as_check_fail(c, "%u of %u known answers differ; first %s", t.n_wrong, known->n,
                             t.first);
    return as_check_ok(c, "%u known answers (%u pass, %u fail)", known->n, known->n_pass,
                       known->n_fail);
}
