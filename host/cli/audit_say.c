/* audit_say.c -- what an audit found: rates by kind, the wrong cases, one object for programs, the
 * gates. SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit.h"

#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define CLASS(name) (1u << AS_AUDIT_##name)

audit_sum audit_sum_of(const audit_tally *t, unsigned classes)
{
    audit_sum s = { 0 };
    for (unsigned i = 0; i < t->n_kinds; i++) {
        const audit_kind *k = &t->kinds[i];
        if (!(classes & (1u << k->class)))
            continue;
        s.n += k->n;
        s.wrong += k->wrong;
        s.abstain += k->abstain;
        s.error += k->error;
        if (k->max_ms > s.max_ms)
            s.max_ms = k->max_ms;
    }
    return s;
}

/* By class; the worst first, then by name. */
static int by_class_and_rate(const void *a, const void *b)
{
    const audit_kind *x = *(const audit_kind *const *)a, *y = *(const audit_kind *const *)b;
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    if (x->wrong != y->wrong)
        return x->wrong > y->wrong ? -1 : 1;
    return strcmp(x->name, y->name);
}

static unsigned sorted_kinds(const audit_tally *t, const audit_kind *out[AUDIT_MAX_KINDS])
{
    for (unsigned i = 0; i < t->n_kinds; i++)
        out[i] = &t->kinds[i];
    qsort(out, t->n_kinds, sizeof *out, by_class_and_rate);
    return t->n_kinds;
}

/* ---- for people ---- */

static void add_rate(as_buf *out, uint64_t wrong, uint64_t scored)
{
    as_rate r = as_rate_of(wrong, scored);
    if (isnan(r.rate))
        as_buf_addf(out, "%9s %-18s", "-", "");
    else
        as_buf_addf(out, "%8.3f%% [%.3f, %.3f]%*s", 100 * r.rate, 100 * r.low, 100 * r.high, 1, "");
}

static void add_sum(as_buf *out, const char *name, const char *what, as_audit_class class,
                    const audit_sum *s)
{
    char a[AS_TEXT_MAX];
    char b[AS_TEXT_MAX];
    uint64_t scored = audit_scored(class, s->n, s->abstain, s->error);
    as_buf_addf(out, "%-16s %9s of %9s  ", name, as_text_count(a, s->wrong),
                as_text_count(b, scored));
    add_rate(out, s->wrong, scored);
    as_buf_addf(out, " %s\n", what);
}

static void add_totals(as_buf *out, const audit_tally *t)
{
    char a[AS_TEXT_MAX];
    char b[AS_TEXT_MAX];
    audit_sum miss = audit_sum_of(t, CLASS(MISS)), equal = audit_sum_of(t, CLASS(EQUAL));
    audit_sum self = audit_sum_of(t, CLASS(SELF)), hostile = audit_sum_of(t, CLASS(HOSTILE));
    audit_sum all = audit_sum_of(t, ~0u);
    if (miss.n)
        add_sum(out, "false positives", "near misses that pass", AS_AUDIT_MISS, &miss);
    if (equal.n)
        add_sum(out, "false negatives", "rewrites that do not pass", AS_AUDIT_EQUAL, &equal);
    if (self.n)
        add_sum(out, "not itself", "golds that do not pass as they stand", AS_AUDIT_SELF, &self);
    if (hostile.n) {
        add_sum(out, "hostile", "pass, or end as an error;", AS_AUDIT_HOSTILE, &hostile);
        out->len--;
        as_buf_addf(out, " longest %s\n", as_text_seconds(a, (double)hostile.max_ms / 1e3));
    }
    as_buf_addf(
        out,
        "%-16s %9s abstain, %s error (no verdict: not counted above, but for hostile errors)\n",
        "unscored", as_text_count(a, all.abstain), as_text_count(b, all.error));
}

static void add_kind(as_buf *out, const audit_kind *k)
{
    char a[AS_TEXT_MAX];
    char b[AS_TEXT_MAX];
    as_buf_addf(out, "  %-9s %-32s %8s %8s ", as_audit_class_names[k->class], k->name,
                as_text_count(a, k->n), as_text_count(b, k->wrong));
    add_rate(out, k->wrong, audit_scored(k->class, k->n, k->abstain, k->error));
    if (k->abstain + k->error)
        as_buf_addf(out, " %6" PRIu64, k->abstain + k->error);
    as_buf_byte(out, '\n');
}

/* What is wrong; of the rest how much there is. */
static void add_kinds(as_buf *out, const audit_opts *o, const audit_tally *t)
{
    const audit_kind *kinds[AUDIT_MAX_KINDS];
    unsigned n = sorted_kinds(t, kinds), n_listed = 0, n_mute = 0;
    char a[AS_TEXT_MAX];
    as_buf_addf(out, "\n  %-9s %-32s %8s %8s %9s %-18s %s\n", "class", "kind", "cases", "wrong",
                "rate", "[95 %]", "unscored");
    for (unsigned i = 0; i < n; i++) {
        const audit_kind *k = kinds[i];
        bool is_listed = o->all || k->wrong || k->error;
        n_listed += is_listed;
        n_mute += !is_listed && k->abstain;
        if (is_listed)
            add_kind(out, k);
    }
    if (n_listed < n)
        as_buf_addf(out,
                    "  and %s kinds without a wrong verdict, %u of them with abstentions (--all "
                    "lists them)\n",
                    as_text_count(a, n - n_listed), n_mute);
}

/* Quoted as JSON, cut in the middle: the end holds the answer. */
static void add_shown(as_buf *out, const char *name, as_str text)
{
    enum { SHOWN = 300, HEAD = 120 };
    if (!text.data)
        return;
    as_buf_addf(out, "    %-11s", name);
    if (text.len <= SHOWN) {
        as_buf_json_str(out, text);
    } else {
        as_buf_json_str(out, (as_str){ text.data, HEAD });
        as_buf_text(out, " ... ");
        as_buf_json_str(out, (as_str){ text.data + text.len - (SHOWN - HEAD), SHOWN - HEAD });
    }
    as_buf_byte(out, '\n');
}

static void add_case(as_buf *out, const audit_kind *k, const audit_shown *s)
{
    as_buf_addf(out, "  %s %.*s: %s, must %s\n", k->name, AS_FMT(s->id),
                as_verdict_word(s->verdict), as_audit_must_pass(k->class) ? "pass" : "not pass");
    add_shown(out, "reference", s->reference);
    add_shown(out, "completion", s->completion);
    add_shown(out, "rule", s->rule);
    add_shown(out, "reason", s->reason);
}

/* One of each kind, then a second one of each, so that one frequent fault does not hide the others.
 */
static void add_cases(as_buf *out, const audit_opts *o, const audit_tally *t)
{
    const audit_kind *kinds[AUDIT_MAX_KINDS];
    const audit_shown *at[AUDIT_MAX_KINDS];
    unsigned n = sorted_kinds(t, kinds);
    uint64_t left = o->show;
    bool is_first = true;
    for (unsigned i = 0; i < n; i++)
        at[i] = kinds[i]->shown;
    for (bool more = true; more && left > 0;) {
        more = false;
        for (unsigned i = 0; i < n && left > 0; i++) {
            if (!at[i])
                continue;
            as_buf_text(out, is_first ? "\ncases (the same with --seed and the same input)\n" : "");
            is_first = false;
            add_case(out, kinds[i], at[i]);
            at[i] = at[i]->next;
            left--;
            more = true;
        }
    }
}

void audit_report(as_buf *out, const audit_opts *o, const as_audit_options *how,
                  const as_scorer *scorer, const audit_tally *t)
{
    char a[AS_TEXT_MAX];
    char b[AS_TEXT_MAX];
    char c[AS_TEXT_MAX];
    const as_verifier_info *info = as_scorer_info(scorer);
    as_buf_addf(out, "verifier         %s %s (%s, revision %" PRIu32 "), %s\n",
                as_info_short_name(info), info->version, info->id, info->revision,
                as_isolation_place(scorer));
    as_buf_addf(out, "audit            %s cases from %s golds in %s, --seed %" PRIu64 "\n",
                as_text_count(a, t->cases), as_text_count(b, t->golds),
                as_text_seconds(c, t->seconds), how->seed);
    add_totals(out, t);
    add_kinds(out, o, t);
    add_cases(out, o, t);
}

/* ---- for programs ---- */

static void add_number(as_buf *out, const char *key, uint64_t n)
{
    as_buf_json_key(out, key);
    as_buf_u64(out, n);
}

static void add_double(as_buf *out, const char *key, double v)
{
    as_buf_json_key(out, key);
    as_buf_json_num(out, v);
}

static void add_json_rate(as_buf *out, as_audit_class class, const audit_sum *s)
{
    uint64_t scored = audit_scored(class, s->n, s->abstain, s->error);
    as_rate r = as_rate_of(s->wrong, scored);
    add_number(out, "cases", s->n);
    add_number(out, "scored", scored);
    add_number(out, "wrong", s->wrong);
    add_double(out, "rate", r.rate);
    add_double(out, "low", r.low);
    add_double(out, "high", r.high);
    add_number(out, "abstain", s->abstain);
    add_number(out, "error", s->error);
    add_double(out, "max_ms", (double)s->max_ms);
}

static void add_json_class(as_buf *out, const char *key, as_audit_class class, const audit_tally *t)
{
    audit_sum s = audit_sum_of(t, 1u << class);
    as_buf_json_key(out, key);
    as_buf_byte(out, '{');
    add_json_rate(out, class, &s);
    as_buf_byte(out, '}');
}

static void add_json_kind(as_buf *out, const audit_kind *k)
{
    audit_sum s = { k->n, k->wrong, k->abstain, k->error, k->max_ms };
    as_buf_byte(out, '{');
    as_buf_json_key(out, "class");
    as_buf_json_str(out, as_str_of(as_audit_class_names[k->class]));
    as_buf_json_key(out, "kind");
    as_buf_json_str(out, as_str_of(k->name));
    add_json_rate(out, k->class, &s);
    as_buf_byte(out, '}');
}

void audit_json(as_buf *out, const audit_opts *o, const as_audit_options *how, const audit_tally *t)
{
    const audit_kind *kinds[AUDIT_MAX_KINDS];
    unsigned n = sorted_kinds(t, kinds);
    as_buf_text(out, "{\"schema\":\"assay.audit_summary/1\"");
    as_buf_json_key(out, "plugin");
    as_buf_json_str(out, as_str_of(o->plug.plugin));
    as_buf_addf(out, ",\"seed\":\"%" PRIu64 "\"", how->seed); /* a text: JSON numbers end at 2^53 */
    add_number(out, "golds", t->golds);
    add_number(out, "blank", t->blank);
    add_number(out, "cases", t->cases);
    add_json_class(out, "false_positives", AS_AUDIT_MISS, t);
    add_json_class(out, "false_negatives", AS_AUDIT_EQUAL, t);
    add_json_class(out, "self", AS_AUDIT_SELF, t);
    add_json_class(out, "hostile", AS_AUDIT_HOSTILE, t);
    as_buf_text(out, ",\"kinds\":[");
    for (unsigned i = 0; i < n; i++) {
        if (i)
            as_buf_byte(out, ',');
        add_json_kind(out, kinds[i]);
    }
    as_buf_byte(out, ']');
    add_double(out, "seconds", t->seconds);
    as_buf_text(out, "}\n");
}

/* ---- gates ---- */

static bool asks(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0'))
            return true;
    }
    return false;
}

int audit_gates(const audit_opts *o, const audit_tally *t, as_err *err)
{
    audit_sum miss = audit_sum_of(t, CLASS(MISS)), hostile = audit_sum_of(t, CLASS(HOSTILE));
    audit_sum equal = audit_sum_of(t, CLASS(EQUAL) | CLASS(SELF)), all = audit_sum_of(t, ~0u);
    uint64_t passes = miss.wrong + hostile.wrong -
                      hostile.error; /* what is wrong of hostile is a pass or an error */
    const struct {
        const char *word, *what;
        uint64_t n;
    } gates[] = { { "fp", "pass and must not", passes },
                  { "fn", "must pass and do not", equal.wrong },
                  { "error", "end as an error", all.error },
                  { "unscored", "have no verdict (abstain, error)", all.abstain + all.error } };
    if (o->fail_on && t->cases == 0)
        return as_fail(err, AS_EGATE, "--fail-on %s: there were no cases to judge by", o->fail_on);
    for (size_t i = 0; o->fail_on && i < sizeof gates / sizeof *gates; i++)
        if (gates[i].n && asks(o->fail_on, gates[i].word))
            return as_fail(err, AS_EGATE, "--fail-on %s: %" PRIu64 " of %" PRIu64 " cases %s",
                           gates[i].word, gates[i].n, t->cases, gates[i].what);
    return 0;
}
