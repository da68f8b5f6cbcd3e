/* judge.c -- see judge.h. SPDX-License-Identifier: Apache-2.0 */
#include "math/judge.h"

/* ---- reading ---- */

static bool parse_into(judge *j, reading *r, bool is_gold)
{
    pc_buf_clear(&r->tokens);
    r->why = NULL;
    assay_str text = pc_buf_str(&r->text);
    bool ok = math_parse(&j->parser, text, is_gold, &r->tree);
    if (!ok)
        r->why = j->parser.why;
    if (j->parser.lx.why == NULL)
        math_lex_text(&j->parser.lx, 0, j->parser.lx.n, &r->tokens);
    return !r->text.failed && !r->tokens.failed;
}

static void found_text(const pc_found *found, pc_buf *out)
{
    pc_buf_clear(out);
    if (found->n_list == 1 && pc_backslashes_doubled(found->text))
        pc_halve_backslashes(found->text, out);
    else
        pc_found_text(found, out);
}

bool judge_is_reference(const judge_config *c, assay_str completion, assay_str reference)
{
    reference = pc_trim(reference);
    return c->shortcuts && reference.len && completion.len < 2 * reference.len + 64 &&
           pc_eq(pc_trim(completion), reference);
}

bool judge_find(judge *j, const judge_config *c, assay_str completion)
{
    pc_extract(&j->found, completion, &c->rules);
    return j->found.text.data != NULL;
}

static bool is_mixed_text(const math_tree *t)
{
    return t->root == 0 ||
           (math_at(t, t->root)->kind == M_TEXT && math_at(t, t->root)->op == MATH_MIXED_TEXT);
}

/* What is no mathematics as it stands may be a sentence with one value in it. Only a number counts:
 * "odd n" is not n. */
static bool read_prose(judge *j, const judge_config *c)
{
    pc_found inner;
    j->prose.tree.root = 0;
    if (j->found.n_list != 1 || !is_mixed_text(&j->answer.tree) ||
        !pc_answer_in_prose(pc_buf_str(&j->answer.text), pc_rules_has(&c->rules, PC_STAGE_NUMBER),
                            &inner))
        return true;
    found_text(&inner, &j->prose.text);
    bool ok = parse_into(j, &j->prose, false);
    math_tree *t = &j->prose.tree;
    if (t->root && (is_mixed_text(t) || math_has_symbols(t, t->root)))
        t->root = 0;
    return ok;
}

bool judge_read(judge *j, const judge_config *c)
{
    found_text(&j->found, &j->answer.text);
    return parse_into(j, &j->answer, false) && read_prose(j, c);
}

static bool read_gold(judge *j, assay_str reference)
{
    if (j->gold_known && pc_eq(reference, pc_buf_str(&j->reference)))
        return true;
    pc_found found;
    pc_buf_clear(&j->reference);
    pc_buf_add(&j->reference, reference.data, reference.len);
    pc_gold_answer(reference, &found);
    found_text(&found, &j->gold.text);
    j->gold_known = false;
    bool ok = parse_into(j, &j->gold, true) && !j->reference.failed;
    j->gold_known =
        ok && !pc_memory_is_lost(); /* what was read with memory missing is not remembered */
    return ok;
}

/* ---- ruling ---- */

/* Is there something in the reference of which nothing is known? Else an open question is the
 * answer's doing. */
static bool is_opaque(const math_tree *t)
{
    for (math_id i = 1; i < t->n; i++)
        switch (t->nodes[i].kind) {
        case M_APPLY:
        case M_SUM:
        case M_PROD:
        case M_INT:
        case M_LIM:
        case M_DERIV:
        case M_DOTS:
        case M_SETBUILDER:
        case M_FAMILY:
        case M_PIECEWISE:
            return true;
        case M_TEXT:
            if (t->nodes[i].op == MATH_MIXED_TEXT)
                return true;
            break;
        default:
            break;
        }
    return false;
}

static ruling from_finding(const judge *j, math_finding f)
{
    ruling r = { .finding = f };
    if (f.truth == MATH_EQUAL) {
        r.verdict = ASSAY_PASS;
        return r;
    }
    r.reason = f.truth == MATH_DIFFERENT ? "different" : math_reason_text(f.reason, f.blame);
    bool no_value =
        f.truth == MATH_DIFFERENT && (f.blame & MATH_BLAME_A) && strcmp(f.rule, "undefined") == 0;
    if (no_value)
        r.reason = math_reason_text(WHY_UNDEFINED, MATH_BLAME_A);
    bool open =
        f.truth == MATH_UNDECIDED &&
        (f.reason == WHY_ZERO_TEST || f.reason == WHY_POLICY ||
         (((f.blame & MATH_BLAME_A) || (f.reason == WHY_OPAQUE && is_opaque(&j->gold.tree))) &&
          !math_is_clear((math_side){ &j->gold.tree, j->gold.tree.root })));
    r.verdict = no_value || open ? ASSAY_ABSTAIN : ASSAY_FAIL;
    return r;
}

static ruling decided(assay_verdict verdict, math_truth truth, const char *rule, const char *reason)
{
    return (ruling){ .verdict = verdict, .finding = math_found(truth, rule), .reason = reason };
}

static ruling compare(judge *j, const judge_config *c, const reading *answer)
{
    math_budget budget = { MATH_STEPS };
    math_side a = { &j->gold.tree, j->gold.tree.root }, b = { &answer->tree, answer->tree.root };
    return from_finding(j, math_answer_equal(a, b, &c->policy, &budget));
}

static ruling unread(unsigned blame)
{
    math_finding f = math_open("parse", WHY_UNPARSED, blame);
    return (ruling){ .verdict = blame == MATH_BLAME_A ? ASSAY_ABSTAIN : ASSAY_FAIL,
                     .finding = f,
                     .reason = math_reason_text(f.reason, f.blame) };
}

/* Rungs 3 and on: what was read. */
static ruling compare_readings(judge *j, const judge_config *c)
{
    if (!j->gold.tree.root)
        return unread(MATH_BLAME_A);
    ruling r = j->answer.tree.root ? compare(j, c, &j->answer) : unread(MATH_BLAME_B);
    if (r.verdict != ASSAY_PASS && j->prose.tree.root) {
        r = compare(j, c, &j->prose);
        r.in_prose = true;
    }
    return r;
}

ruling judge_rule(judge *j, const judge_config *c, assay_str reference)
{
    if (!read_gold(j, reference))
        return decided(ASSAY_ERROR, MATH_UNDECIDED, NULL, "out of memory");
    assay_str gold = pc_buf_str(&j->gold.text), answer = pc_buf_str(&j->answer.text);
    if (c->shortcuts && gold.len && pc_eq(gold, answer))
        return decided(ASSAY_PASS, MATH_EQUAL, "bytes", NULL);
    ruling r = compare_readings(j, c);
    /* rung 2 is asked last, for what cannot be read or has no value: almost nothing needs it */
    if (c->shortcuts && r.verdict != ASSAY_PASS && j->gold.tokens.len &&
        pc_eq(pc_buf_str(&j->gold.tokens), pc_buf_str(&j->answer.tokens)))
        return decided(ASSAY_PASS, MATH_EQUAL, "tokens", NULL);
    return r;
}

/* ---- keys ---- */

static void write_key(const math_tree *t, pc_buf *out)
{
    math_budget budget = { MATH_STEPS };
    math_answer_key((math_side){ t, t->root }, &budget, out);
}

void judge_key(const judge *j, pc_buf *out)
{
    if (j->prose.tree.root) {
        write_key(&j->prose.tree, out);
    } else if (j->answer.tree.root) {
        write_key(&j->answer.tree, out);
    } else {
        pc_buf_fmt(out, "x%zu:", j->answer.text.len);
        pc_buf_add(out, j->answer.text.data, j->answer.text.len);
    }
}

static bool read_key(judge *j, assay_str key, reading *r)
{
    pc_buf_clear(&r->text);
    return math_key_text(key, &r->text) && parse_into(j, r, false) && r->tree.root;
}

/* Does a list tell how often an element stands in it, or values of x and of y? The key of a set has
 * forgotten number and order. */
static bool is_more_than_set(const math_tree *t)
{
    const math_node *list = math_at(t, t->root);
    math_id name = 0;
    for (uint32_t i = 0; list->kind == M_LIST && i < list->n; i++) {
        math_id kid = math_kid(t, t->root, i);
        if (math_at(t, kid)->kind != M_REL)
            continue;
        if (name && !math_same_tree(t, name, t, math_kid(t, kid, 0)))
            return true;
        name = math_kid(t, kid, 0);
    }
    return list->kind == M_LIST && !name;
}

static bool set_against_more(judge *j, assay_str key_a, assay_str key_b)
{
    if (pc_starts(key_a, "l:"))
        return pc_starts(key_b, "s:") && is_more_than_set(&j->gold.tree);
    return pc_starts(key_a, "s:") && pc_starts(key_b, "l:") && is_more_than_set(&j->answer.tree);
}

int judge_same(judge *j, assay_str key_a, assay_str key_b)
{
    if (pc_eq(key_a, key_b))
        return 1;
    j->gold_known = false;
    if (!read_key(j, key_a, &j->gold) || !read_key(j, key_b, &j->answer) ||
        set_against_more(j, key_a, key_b))
        return 0;
    math_budget budget = { MATH_STEPS };
    const math_policy exact = { .square_free = true };
    math_side a = { &j->gold.tree, j->gold.tree.root },
              b = { &j->answer.tree, j->answer.tree.root };
    return math_answer_equal(a, b, &exact, &budget).truth == MATH_EQUAL;
}

/* ---- explaining ---- */

enum { SHOWN = 300 };

static void explain_reading(const reading *r, const char *what, pc_buf *out)
{
    pc_buf form = { 0 };
    pc_buf_fmt(out, "; %s ", what);
    if (r->tree.root) {
        math_print(&r->tree, r->tree.root, &form);
        pc_buf_shown(out, pc_buf_str(&form), SHOWN);
    } else {
        pc_buf_fmt(out, "cannot be read (%s)", r->why ? r->why : "unknown");
    }
    pc_buf_fini(&form);
}

void judge_explain(judge *j, const ruling *r, pc_buf *out)
{
    const pc_found *f = &j->found;
    pc_buf_fmt(out, "extracted by %s", pc_stage_name(f->stage));
    if (f->n_boxes > 1)
        pc_buf_fmt(out, " (%u boxes, %u in the answer)", f->n_boxes, f->n_list);
    pc_buf_text(out, ": \"");
    pc_buf_shown(out, pc_buf_str(&j->answer.text), SHOWN);
    pc_buf_byte(out, '"');
    explain_reading(r->in_prose ? &j->prose : &j->answer,
                    r->in_prose ? "a sentence, its value is" : "reads as", out);
    explain_reading(&j->gold, "the reference reads as", out);
    pc_buf_fmt(out, "; %s: %s", r->finding.rule ? r->finding.rule : "no rule",
               r->finding.truth == MATH_EQUAL ? "equal"
               : r->reason                    ? r->reason
                                              : "undecided");
    if (r->finding.note[0])
        pc_buf_fmt(out, ", %s", r->finding.note);
}

/* ---- memory ---- */

static void reading_fini(reading *r)
{
    pc_buf_fini(&r->text);
    pc_buf_fini(&r->tokens);
    math_tree_fini(&r->tree);
}

void judge_fini(judge *j)
{
    math_parser_fini(&j->parser);
    reading_fini(&j->gold);
    reading_fini(&j->answer);
    reading_fini(&j->prose);
    pc_buf_fini(&j->reference);
}
