/* ttrl_answers.c -- the answers of `assay ttrl --stream`: one line to each that came, written down
 * first and then sent. SPDX-License-Identifier: Apache-2.0 */
#include "cli/ttrl_stream.h"

#include "base/jspan.h"
#include "base/log.h"

#include <inttypes.h>
#include <math.h>

/* ---- a line ---- */

static void begin(as_buf *out, uint64_t line, as_str id)
{
    as_buf_clear(out);
    as_buf_addf(out, "{\"schema\":\"assay.ttrl_answer/1\",\"line\":%" PRIu64 ",\"id\":", line);
    as_buf_add(out, id);
    as_buf_json_key(out, "answer");
}

static const char *why_none(const ttrl_label *l)
{
    return l->n == 0          ? "no response could be read"
           : l->n_voting == 0 ? "no response has an answer"
                              : "the vote is a tie";
}

static void put_number(as_buf *out, const char *key, double value)
{
    as_buf_json_key(out, key);
    as_buf_json_num(out, value);
}

static void put_bool(as_buf *out, const char *key, bool value)
{
    as_buf_json_key(out, key);
    as_buf_text(out, value ? "true" : "false");
}

/* Said before, by an earlier process: then it is not said again. */
static int put(ttrl_stream *st, uint64_t line, const as_buf *text, as_err *err)
{
    int rc = as_buf_check(text, err);
    if (rc < 0)
        return rc;
    if (line > st->n_said) {
        as_buf_add(&st->out, as_buf_str(text));
        as_buf_byte(&st->out, '\n');
        st->n_out++;
        return 0;
    }
    rc = stream_reader_next(&st->said, err);
    if (rc < 0)
        return rc;
    if (!st->is_told && (rc == 0 || !as_str_eq(st->said.line.text, as_buf_str(text)))) {
        st->is_told = true;
        as_log(AS_LOG_WARN,
               "%s:%" PRIu64 ": the answer is another one now than the one that was given; has the "
               "machine or the program changed? What was given stays",
               st->answers_path, line);
    }
    return 0;
}

int ttrl_stream_answer(ttrl_stream *st, const ttrl_voted *v, const ttrl_visit *visit, as_err *err)
{
    const ttrl_label *l = v->label;
    const as_suite_item *item = v->rollouts->items[v->group];
    as_buf *out = &st->one;
    begin(out, item->line, item->id);
    if (visit) {
        as_buf_json_str(out, l->text);
        as_buf_json_key(out, "key");
        as_buf_json_str(out, v->key);
    } else {
        as_buf_text(out, "null");
        as_buf_json_key(out, "reason");
        as_buf_json_str(out, as_str_of(why_none(l)));
    }
    put_number(out, "confidence", l->ratio);
    put_number(out, "votes", l->votes);
    put_number(out, "n", l->n);
    put_number(out, "runner_up", l->runner_up);
    put_number(out, "classes", l->n_classes);
    put_number(out, "chance", l->chance);
    put_bool(out, "learned", visit && v->is_sure);
    put_number(out, "step", (double)(st->t->s->t.done + 1));
    if (visit && st->t->newest[visit->prompt] != 0)
        put_bool(out, "flipped", st->t->newest[visit->prompt] != visit->label);
    if (visit && visit->is_right != TTRL_UNKNOWN)
        put_bool(out, "right", visit->is_right == TTRL_RIGHT);
    as_buf_byte(out, '}');
    st->counts.answered += visit != NULL;
    st->counts.unanswered += visit == NULL;
    st->counts.confidence += visit ? l->ratio : 0;
    return put(st, item->line, out, err);
}

/* ---- a line that is no prompt ---- */

/* An id that can be told apart is said back, whatever else is wrong. */
static as_str id_of(as_str line)
{
    enum { LONGEST = 1000 };
    as_jspan object;
    if (as_json_scan(line, &object, NULL) < 0 || object.kind != AS_J_OBJECT)
        return AS_LIT("null");
    const as_jspan id = as_jobject_get(object, "id");
    const bool is_id = id.kind == AS_J_STRING || id.kind == AS_J_NUMBER;
    return is_id && id.text.len <= LONGEST ? id.text : AS_LIT("null");
}

int stream_refuse(ttrl_stream *st, as_str line, const char *why, as_err *err)
{
    as_buf *out = &st->refused;
    begin(out, st->line, id_of(line));
    as_buf_text(out, "null");
    as_buf_json_key(out, "error");
    as_buf_json_str(out, as_str_of(why));
    as_buf_byte(out, '}');
    st->counts.bad++;
    st->has_refused = true;
    return as_buf_check(out, err);
}

/* ---- sending ---- */

/* A reader that is gone is no reason to lose what was learned. */
static int to_reader(const ttrl_stream *st, as_err *err)
{
    as_err why = { 0 };
    int rc = as_cli_out(as_buf_str(&st->out), &why);
    return rc == 0 ? 0
                   : as_fail(err, AS_EDATA, "%s; the answer is in %s, and --resume goes on",
                             why.text, st->answers_path);
}

int ttrl_stream_send(ttrl_stream *st, as_err *err)
{
    int rc = 0;
    if (st->has_refused)
        rc = put(st, st->line, &st->refused, err);
    st->has_refused = false;
    if (rc == 0)
        rc = as_buf_check(&st->out, err);
    if (rc < 0 || st->out.len == 0)
        return rc;
    rc = as_growing_put(&st->answers, as_buf_str(&st->out), err);
    if (rc == 0)
        rc = as_growing_sync(&st->answers, err);
    if (rc == 0)
        st->n_said = st->n_out;
    if (rc == 0)
        rc = to_reader(st, err);
    as_buf_clear(&st->out);
    return rc;
}

/* ---- what was said before ---- */

static int recall_answer(ttrl_stream *st, size_t place, as_jspan answer, as_arena *a, as_err *err)
{
    const as_jspan right = as_jobject_get(answer, "right");
    const as_str key = as_jstring(as_jobject_get(answer, "key"), a, NULL);
    double confidence;
    if (!key.data || !as_jnumber(as_jobject_get(answer, "confidence"), &confidence))
        return as_fail(err, AS_EDATA, "not an answer of this run; --force begins anew");
    ttrl_watch_recall(st->t, place, key,
                      right.kind == AS_J_TRUE    ? TTRL_RIGHT
                      : right.kind == AS_J_FALSE ? TTRL_WRONG
                                                 : TTRL_UNKNOWN,
                      confidence);
    st->counts.answered++;
    st->counts.confidence += confidence;
    return 0;
}

static int recall(ttrl_stream *st, as_jspan prompt, as_jspan answer, as_arena *a, as_err *err)
{
    const as_jspan id = as_jobject_get(prompt, "id"), meta = as_jobject_get(prompt, "meta");
    const as_str name = id.kind == AS_J_STRING ? as_jstring(id, a, NULL) : id.text;
    const as_str text = meta.kind == AS_J_OBJECT ? as_arena_str(a, meta.text) : (as_str){ 0 };
    size_t place = 0;
    if (!name.data)
        return as_fail(err, AS_EDATA, "its prompt has no id; --force begins anew");
    int rc = stream_enter(st, name, &place, err);
    if (rc < 0)
        return rc;
    ttrl_watch_level(st->t, place, text);
    if (as_jobject_get(answer, "answer").kind != AS_J_NULL)
        return recall_answer(st, place, answer, a, err);
    st->counts.unanswered++;
    return 0;
}

int stream_recall(ttrl_stream *st, as_str line, as_str answer, as_err *err)
{
    as_jspan said = { 0 }, prompt = { 0 };
    as_arena a;
    int rc = as_json_scan(answer, &said, err);
    if (rc == 0 && said.kind != AS_J_OBJECT)
        rc = as_fail(err, AS_EDATA, "not an answer of this run; --force begins anew");
    if (rc < 0)
        return rc;
    if (as_jobject_get(said, "error").kind != AS_J_NONE) {
        st->counts.bad++;
        return 0;
    }
    as_arena_init(&a, 0);
    rc = as_json_scan(line, &prompt, err);
    if (rc == 0)
        rc = recall(st, prompt, said, &a, err);
    as_arena_fini(&a);
    return rc;
}

/* ---- what is told of it ---- */

uint64_t ttrl_stream_answered(const ttrl_stream *st)
{
    return st->counts.answered;
}

void ttrl_stream_show(const ttrl_stream *st, as_buf *json)
{
    const stream_counts *c = &st->counts;
    put_number(json, "lines", (double)st->n_accepted);
    put_number(json, "answered", (double)c->answered);
    put_number(json, "unanswered", (double)c->unanswered);
    put_number(json, "bad_lines", (double)c->bad);
}

void ttrl_stream_say(const ttrl_stream *st)
{
    const stream_counts *c = &st->counts;
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX], d[AS_TEXT_MAX], e[AS_TEXT_MAX];
    if (!st->in.lines) /* it has not begun */
        return;
    as_cli_say("stream %s lines accepted: %s answered with a mean confidence of %.3f, %s without "
               "an answer, %s no prompts; %s",
               as_text_count(a, st->n_accepted), as_text_count(b, c->answered),
               c->answered ? c->confidence / (double)c->answered : 0,
               as_text_count(d, c->unanswered), as_text_count(e, c->bad), st->answers_path);
}
