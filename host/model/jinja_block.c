/* jinja_block.c -- statements: tags and the text between them, as chains of nodes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "model/jinja_inner.h"

static as_jn *parse_chain(as_jparser *p, const char *const *ends);

static bool want_block_end(as_jparser *p)
{
    if (p->at->kind == AS_JT_BLOCK_END) {
        p->at++;
        return true;
    }
    (void)as_jparse_fail(p, "the end of the tag was expected, not %.*s",
                         (int)(p->at->text.len < 60 ? p->at->text.len : 60),
                         p->at->text.data ? p->at->text.data : "");
    return false;
}

/* NOLINTBEGIN(misc-no-recursion): p->depth bounds it */
/* Body up to one of `ends`, whose name is taken. */
static bool parse_body(as_jparser *p, const char *const *ends, as_jn **out)
{
    if (!want_block_end(p))
        return false;
    *out = parse_chain(p, ends);
    return !p->failed;
}

static const char
    *const if_ends[] = { "elif", "else", "endif", NULL },
           *const endif_only[] = { "endif", NULL }, *const for_ends[] = { "else", "endfor", NULL },
           *const endfor_only[] = { "endfor", NULL }, *const set_ends[] = { "endset", NULL },
           *const macro_ends[] = { "endmacro", NULL },
           *const generation_ends[] = { "endgeneration", NULL };

/* An elif is an if in `other`, and no deeper for it. */
static as_jn *parse_if(as_jparser *p)
{
    as_jn *first = NULL, *last = NULL, **where = &first;
    do {
        as_jn *n = as_jnode(p, AS_JN_IF);
        if (!n)
            return NULL;
        *where = n;
        if (last)
            last->value = as_jv_bool(true);
        last = n;
        where = &n->other;
        n->a = as_jparse_tuple(p, false);
        if (!n->a || !parse_body(p, if_ends, &n->body))
            return NULL;
    } while (as_jparse_take(p, "elif"));
    if (as_jparse_take(p, "else")) {
        if (!parse_body(p, endif_only, where))
            return NULL;
    }
    return as_jparse_want(p, "endif") && want_block_end(p) ? first : NULL;
}

as_jn *as_jparse_targets(as_jparser *p)
{
    as_jn *first = NULL, **last = &first;
    bool has_bracket = as_jparse_take(p, "(");
    do {
        if (p->at->kind != AS_JT_NAME)
            return as_jparse_fail(p, "a name to assign to was expected");
        *last = as_jnode(p, AS_JN_NAME);
        if (!*last)
            return NULL;
        (*last)->text = p->at->text;
        last = &(*last)->next;
        p->at++;
    } while (as_jparse_take(p, ","));
    return !has_bracket || as_jparse_want(p, ")") ? first : NULL;
}

static as_jn *parse_for(as_jparser *p)
{
    as_jn *n = as_jnode(p, AS_JN_FOR);
    if (!n)
        return NULL;
    n->args = as_jparse_targets(p);
    if (!n->args || !as_jparse_want(p, "in"))
        return NULL;
    n->a = as_jparse_tuple(p, false);
    if (n->a && as_jparse_take(p, "if"))
        n->b = as_jparse_expression(p, true);
    if (as_jparse_is(p, "recursive"))
        return as_jparse_fail(p, "recursive loops are not implemented");
    p->loops++;
    if (p->failed || !parse_body(p, for_ends, &n->body))
        return NULL;
    p->loops--;
    if (as_jparse_take(p, "else") && !parse_body(p, endfor_only, &n->other))
        return NULL;
    return as_jparse_want(p, "endfor") && want_block_end(p) ? n : NULL;
}

/* {% set a, b = x %}, {% set ns.a = x %}, {% set a %}..{% endset %} */
static as_jn *parse_set(as_jparser *p)
{
    as_jn *n = as_jnode(p, AS_JN_SET);
    if (!n)
        return NULL;
    n->args = as_jparse_targets(p);
    if (!n->args)
        return NULL;
    if (!n->args->next && as_jparse_take(p, ".")) {
        n->args->kind = AS_JN_ATTR;
        n->args->keyword = p->at->text;
        if (p->at++->kind != AS_JT_NAME)
            return as_jparse_fail(p, "a name was expected after the dot");
    }
    if (as_jparse_take(p, "=")) {
        n->a = as_jparse_tuple(p, true);
        return n->a && want_block_end(p) ? n : NULL;
    }
    if (as_jparse_is(p, "|"))
        return as_jparse_fail(p, "filters of a set block are not implemented");
    return parse_body(p, set_ends, &n->body) && as_jparse_want(p, "endset") && want_block_end(p)
               ? n
               : NULL;
}

static as_jn *parse_macro(as_jparser *p)
{
    as_jn *n = as_jnode(p, AS_JN_MACRO), **last = n ? &n->args : NULL;
    if (!n)
        return NULL;
    n->text = p->at->text;
    if (p->at->kind != AS_JT_NAME)
        return as_jparse_fail(p, "a macro needs a name");
    p->at++;
    if (!as_jparse_want(p, "("))
        return NULL;
    while (!as_jparse_take(p, ")")) {
        if (p->at->kind != AS_JT_NAME)
            return as_jparse_fail(p, "a macro's argument needs a name");
        *last = as_jnode(p, AS_JN_NAME);
        if (!*last)
            return NULL;
        (*last)->text = p->at++->text;
        if (as_jparse_take(p, "=")) {
            (*last)->a = as_jparse_expression(p, true);
            if (!(*last)->a)
                return NULL;
        }
        last = &(*last)->next;
        if (!as_jparse_is(p, ")") && !as_jparse_want(p, ","))
            return NULL;
    }
    unsigned loops = p->loops;
    p->loops = 0;
    if (!parse_body(p, macro_ends, &n->body))
        return NULL;
    p->loops = loops;
    return as_jparse_want(p, "endmacro") && (p->at->kind == AS_JT_NAME ? (p->at++, true) : true) &&
                   want_block_end(p)
               ? n
               : NULL;
}

static as_jn *parse_jump(as_jparser *p, as_jn_kind kind)
{
    if (!p->loops)
        return as_jparse_fail(p, "break and continue belong into a loop");
    as_jn *n = as_jnode(p, kind);
    return n && want_block_end(p) ? n : NULL;
}

static as_jn *parse_generation(as_jparser *p)
{
    as_jn *n = as_jnode(p, AS_JN_GENERATION);
    if (!n || !parse_body(p, generation_ends, &n->body))
        return NULL;
    return as_jparse_want(p, "endgeneration") && want_block_end(p) ? n : NULL;
}

static as_jn *parse_statement(as_jparser *p)
{
    if (as_jparse_take(p, "if"))
        return parse_if(p);
    if (as_jparse_take(p, "for"))
        return parse_for(p);
    if (as_jparse_take(p, "set"))
        return parse_set(p);
    if (as_jparse_take(p, "macro"))
        return parse_macro(p);
    if (as_jparse_take(p, "generation"))
        return parse_generation(p);
    if (as_jparse_take(p, "break"))
        return parse_jump(p, AS_JN_BREAK);
    if (as_jparse_take(p, "continue"))
        return parse_jump(p, AS_JN_CONTINUE);
    return as_jparse_fail(p,
                          "the tag {%% %.*s %%} is not implemented or does not belong here (known: "
                          "if, for, set, macro, "
                          "generation, break, continue)",
                          (int)(p->at->text.len < 60 ? p->at->text.len : 60),
                          p->at->text.data ? p->at->text.data : "");
}

static bool is_end(const as_jparser *p, const char *const *ends)
{
    for (; ends && *ends; ends++)
        if (as_jparse_is(p, *ends))
            return true;
    return false;
}

static as_jn *parse_output(as_jparser *p)
{
    as_jn *n = as_jnode(p, AS_JN_OUTPUT);
    if (!n)
        return NULL;
    n->a = as_jparse_tuple(p, true);
    if (!n->a)
        return NULL;
    if (p->at->kind != AS_JT_VAR_END)
        return as_jparse_fail(p, "the end of the tag was expected, not %.*s",
                              (int)(p->at->text.len < 60 ? p->at->text.len : 60),
                              p->at->text.data ? p->at->text.data : "");
    p->at++;
    return n;
}

static as_jn *parse_text(as_jparser *p)
{
    as_jn *n = as_jnode(p, AS_JN_TEXT);
    if (n)
        n->text = p->at->text;
    p->at++;
    return n;
}

/* Statements up to a tag of `ends` (NULL: the end of the template), which is not taken but for its
 * beginning. An empty chain is NULL too: look at p->failed. */
static as_jn *parse_chain(as_jparser *p, const char *const *ends)
{
    as_jn *first = NULL, **last = &first;
    if (++p->depth > AS_JINJA_DEPTH)
        return as_jparse_fail(p, "nested deeper than %d levels", AS_JINJA_DEPTH);
    while (!p->failed && p->at->kind != AS_JT_END) {
        as_jn *n;
        if (p->at->kind == AS_JT_TEXT) {
            n = parse_text(p);
        } else if (p->at->kind == AS_JT_VAR) {
            p->at++;
            n = parse_output(p);
        } else {
            p->at++;
            if (is_end(p, ends))
                break;
            n = parse_statement(p);
        }
        if (!n)
            return NULL;
        *last = n;
        last = &n->next;
    }
    p->depth--;
    if (!p->failed && ends && p->at->kind == AS_JT_END)
        return as_jparse_fail(p, "the template ends where {%% %s %%} was expected", ends[0]);
    return first;
}

/* NOLINTEND(misc-no-recursion) */

int as_jinja_parse_tokens(as_jinja *j, const as_jtoken *tokens, as_err *err)
{
    as_jparser p = { .j = j, .at = tokens, .err = err };
    j->body = parse_chain(&p, NULL);
    return p.failed ? (err && err->code ? err->code : AS_EDATA) : 0;
}

int as_jinja_parse(as_jinja **out, as_str text, const char *name, as_err *err)
{
    as_jtoken *tokens;
    *out = NULL;
    as_jinja *j = as_calloc(1, sizeof *j);
    if (!j)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", name);
    as_arena_init(&j->arena, 0);
    as_str copy = as_arena_str(&j->arena, as_str_of(name));
    j->name = copy.data ? copy.data : "template";
    int rc = as_jinja_lex(text, j->name, &j->arena, &tokens, err);
    if (rc == 0)
        rc = as_jinja_parse_tokens(j, tokens, err);
    if (rc < 0) {
        as_jinja_free(j);
        return rc;
    }
    *out = j;
    return 0;
}

void as_jinja_free(as_jinja *j)
{
    if (!j)
        return;
    as_arena_fini(&j->arena);
    as_free(j);
}
