/* lex_command.c -- what begins with a backslash. SPDX-License-Identifier: Apache-2.0 */
#include "math/lex_known.h"
#include "math/lex_state.h"

/* ---- wrappers: braces that fall away ---- */

/* Past the star of \hspace*{..}, and white space. */
static size_t star_and_blanks(const state *st, size_t i)
{
    return lex_blanks(st, i + (lex_at(st, i) == '*'));
}

/* \mathrm e: one letter. */
static bool upright_letter(state *st, size_t k)
{
    bool roman = st->roman;
    st->i = k + 1;
    st->spaced = st->spaced || pc_is_space(st->s.data[k - 1]);
    if (!lex_begin_item(st))
        return false;
    st->roman = true;
    bool ok = lex_push(st, T_WORD, k, 1);
    st->roman = roman;
    return ok && lex_end_item(st);
}

static bool wrapper(state *st, bool upright)
{
    size_t k = star_and_blanks(st, st->i);
    if (lex_at(st, k) == '{') {
        st->i = k + 1;
        if (!lex_open_frame(st, F_DROP))
            return false;
        st->roman = st->roman || upright;
        return true;
    }
    return !upright || !pc_is_alpha(lex_at(st, k)) || upright_letter(st, k);
}

/* \boxed{1}\boxed{2} are two answers. */
static bool boxed(state *st)
{
    st->spaced = true;
    return wrapper(st, false);
}

static bool dropped(state *st, unsigned args)
{
    static const frame_kind then[] = { F_BRACE, F_DROP, F_VOID, F_BRACE };
    size_t k = star_and_blanks(st, st->i);
    if (lex_at(st, k) != '{') {
        if (args == 3 && k < st->s.len && lex_at(st, k) != '\\') /* \phantom - */
            st->i = k + 1;
        return true;
    }
    st->i = k + 1;
    if (!lex_open_frame(st, F_VOID))
        return false;
    st->stack[st->depth - 1].then = (uint8_t)then[args];
    return true;
}

/* \operatorname{lcm} is \lcm; of several words it is a wrapper. */
static bool operator_name(state *st)
{
    size_t k = star_and_blanks(st, st->i), from = k, end = k;
    if (lex_at(st, k) == '{') {
        from = end = lex_blanks(st, k + 1);
        while (pc_is_alpha(lex_at(st, end)))
            end++;
    }
    k = lex_blanks(st, end);
    if (end - from < 2 || lex_at(st, k) != '}')
        return wrapper(st, true);
    st->i = k + 1;
    const known *alias = lex_known(pc_slice(st->s, from, end));
    if (alias && alias->what == K_ITEM && alias->kind == T_CMD && alias->text && !alias->args)
        return lex_item_text(st, T_CMD, alias->text);
    pc_buf *pool = &st->lx->pool;
    size_t at = pool->len;
    pc_buf_byte(pool, '\\');
    pc_buf_add(pool, st->s.data + from, end - from);
    return !pool->failed && lex_item(st, T_CMD, at, pool->len - at);
}

/* ---- delimiters ---- */

static bool delimiter(state *st, const char *bar, bool left, bool right)
{
    static const char *const names[] = { "|", "\\vert", "\\lvert", "\\rvert" };
    size_t k = lex_blanks(st, st->i);
    char c = lex_at(st, k);
    for (size_t n = 0; (c == '|' || c == '\\') && n < sizeof names / sizeof *names; n++)
        if (lex_ahead(st, k, names[n])) {
            st->i = k;
            return lex_bar(st, bar[0], strlen(names[n]));
        }
    if (c == '.' && (left || right || bar[0] == 'm')) {
        st->i = k + 1;
        return true;
    }
    if (c == '<' || c == '>') {
        st->i = k + 1;
        st->shut += left && c == '<';
        st->shut -= right && c == '>' && st->shut;
        return lex_punct(st, c == '<' ? T_LANGLE : T_RANGLE, c == '<' ? "<" : ">");
    }
    if (k < st->s.len && pc_in(c, "()[]\\/{"))
        st->i = k; /* white space before it means nothing */
    return true;
}

static bool open_bracket(state *st, math_tok kind, const char *text)
{
    bool ok = lex_punct(st, kind, text);
    st->shut++;
    return ok;
}

static bool close_bracket(state *st, math_tok kind, const char *text)
{
    st->shut -= st->shut > 0;
    return lex_punct(st, kind, text);
}

/* ---- environments ---- */

/* {name} or {name*} at i, white space allowed: the name, and *end past the brace; empty: it is
 * not. */
static assay_str environment(const state *st, size_t i, size_t *end)
{
    enum { LONGEST = 24 };
    size_t k = lex_blanks(st, i), from = k + 1;
    if (lex_at(st, k) != '{')
        return PC_LIT("");
    k = from;
    while (pc_is_alpha(lex_at(st, k)) && k - from < LONGEST)
        k++;
    assay_str name = pc_slice(st->s, from, k);
    k += lex_at(st, k) == '*';
    *end = k + 1;
    return lex_at(st, k) == '}' ? name : PC_LIT("");
}

static bool has_columns(assay_str name)
{
    static const char *const names[] = { "array",    "tabular",   "darray",  "subarray",
                                         "tabularx", "alignedat", "alignat", "longtable" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (pc_is(name, names[k]))
            return true;
    return false;
}

/* [t], [r]: where the environment or its columns stand. */
static size_t placement(const state *st, size_t i)
{
    size_t k = lex_blanks(st, i);
    bool is = lex_at(st, k) == '[' && pc_in(lex_at(st, k + 1), "tbclr") && lex_at(st, k + 2) == ']';
    return is ? k + 3 : i;
}

static bool begin(state *st, size_t from)
{
    size_t end;
    assay_str name = environment(st, st->i, &end);
    if (!name.len)
        return lex_item(st, T_CMD, from, st->i - from);
    st->i = placement(st, end);
    if (!lex_cancel(st) || !lex_push(st, T_BEGIN, (size_t)(name.data - st->s.data), name.len) ||
        !lex_open_frame(st, F_ENV))
        return false;
    st->envs++;
    st->shut = 0;
    size_t k = lex_blanks(st, st->i);
    if (!has_columns(name) || lex_at(st, k) != '{')
        return true;
    st->i = k + 1;
    return lex_open_frame(st, F_VOID); /* {cc} */
}

static bool end_environment(state *st, size_t from)
{
    size_t end;
    assay_str name = environment(st, st->i, &end);
    if (!name.len)
        return lex_item(st, T_CMD, from, st->i - from);
    st->i = end;
    if (!lex_cancel(st))
        return false;
    while (st->envs && st->depth && st->stack[st->depth - 1].kind != F_ENV)
        st->depth--;
    if (st->envs) {
        st->envs--;
        if (!lex_close_frame(st))
            return false;
    }
    return lex_push(st, T_ENDENV, (size_t)(name.data - st->s.data), name.len);
}

/* Past the [2pt] of \\[2pt] at i. */
static size_t row_gap(const state *st, size_t i)
{
    size_t k = i + 1 + (lex_at(st, i + 1) == '-');
    while (pc_is_digit(lex_at(st, k)) || lex_at(st, k) == '.')
        k++;
    size_t unit = k;
    while (pc_is_alpha(lex_at(st, k)))
        k++;
    bool is = lex_at(st, i) == '[' && unit > i + 1 && k == unit + 2 && lex_at(st, k) == ']';
    return is ? k + 1 : i;
}

/* \\: a new row; outside environments \\frac is \frac with its backslash doubled, and so on. */
static bool is_doubled(const state *st)
{
    char c = lex_at(st, st->i + 2), next = lex_at(st, st->i + 3);
    if (st->envs)
        return false;
    return pc_is_alpha(c) ? pc_is_alpha(next) : pc_in(c, "{}%|()[],;:!");
}

static bool row(state *st)
{
    size_t past = row_gap(st, st->i + 2);
    if (past == st->i + 2 && is_doubled(st)) {
        st->i++; /* the second one is read next */
        return true;
    }
    st->i = past;
    return lex_punct(st, T_ROW, "\\\\");
}

/* ---- fractions as plain TeX writes them ---- */

/* Two tokens in front of the one at `first`: the command and an opening brace. */
static bool insert_before(state *st, uint32_t first, math_tok kind, const char *text)
{
    lexer *lx = st->lx;
    if (!lex_push_text(st, kind, text) || !lex_push_text(st, T_OPEN, "{"))
        return false;
    const token command = lx->tokens[lx->n - 2], brace = lx->tokens[lx->n - 1];
    memmove(lx->tokens + first + 2, lx->tokens + first, (lx->n - 2 - first) * sizeof command);
    lx->tokens[first] = command;
    lx->tokens[first + 1] = brace;
    return lex_push_text(st, T_CLOSE, "}") && lex_push_text(st, T_OPEN, "{");
}

/* {a \over b} is \frac{a}{b}; with a bracket open before it, or twice, it is refused later. */
static bool over(state *st, const known *k)
{
    if (!lex_cancel(st))
        return false;
    frame *f = lex_top(st);
    bool *seen = f ? &f->over : &st->over;
    bool braces = !f || f->kind == F_BRACE || f->kind == F_DROP;
    if (!braces || *seen || st->shut != (f ? f->base : 0))
        return lex_push_text(st, T_CMD, "\\over");
    *seen = true;
    return insert_before(st, f ? f->first : 0, (math_tok)k->kind, k->text);
}

/* ---- commands with a name ---- */

static bool item(state *st, const known *k, size_t from)
{
    if (!lex_begin_item(st))
        return false;
    math_tok kind = k ? (math_tok)k->kind : T_CMD;
    bool ok =
        k && k->text ? lex_push_text(st, kind, k->text) : lex_push(st, kind, from, st->i - from);
    if (!ok || !k || !k->args)
        return ok && lex_end_item(st);
    bool whole = k->what == K_SURD || (k->text && strcmp(k->text, "\\pmod") == 0);
    st->want = k->args;
    st->role = whole ? ROLE_ROOT : ROLE_TEX;
    return true;
}

static bool blackboard(state *st, const char *letter)
{
    return lex_begin_item(st) && lex_push_text(st, T_CMD, "\\mathbb") &&
           lex_push_text(st, T_OPEN, "{") && lex_push_text(st, T_WORD, letter) &&
           lex_push_text(st, T_CLOSE, "}") && lex_end_item(st);
}

/* \not=, \not\in; whatever else is denied is only known to be no relation of ours. */
static bool negated(state *st)
{
    size_t k = lex_blanks(st, st->i), end = k + 1;
    char c = lex_at(st, k);
    if (c == '\\')
        while (pc_is_alpha(lex_at(st, end)))
            end++;
    if (k >= st->s.len || !pc_in(c, "=<>\\") || end == k + (c == '\\'))
        return lex_punct(st, T_REL, "o");
    st->i = end;
    assay_str what = pc_slice(st->s, k, end);
    if (pc_is(what, "\\in"))
        return lex_punct(st, T_REL, "n");
    return lex_punct(st, T_REL, pc_is(what, "=") ? "!" : "o");
}

static bool degrees(state *st, size_t from)
{
    if (lex_last(st) == T_NUM)
        return lex_punct(st, T_DEGREE, "\\degree");
    return lex_item(st, T_CMD, from, st->i - from);
}

static bool big_operator(state *st, const known *k, size_t from)
{
    size_t next = lex_blanks(st, st->i);
    if (lex_at(st, next) == '_' || lex_at(st, next) == '^' || lex_ahead(st, next, "\\limits"))
        return lex_cancel(st) && lex_push(st, T_CMD, from, st->i - from);
    return lex_punct(st, T_CMD, k->text);
}

static bool known_bracket(state *st, const known *k)
{
    switch (k->what) {
    case K_OPEN:
        return open_bracket(st, (math_tok)k->kind, k->text);
    case K_CLOSE:
        return close_bracket(st, (math_tok)k->kind, k->text);
    case K_LSQUARE:
        return lex_open_square(st);
    case K_RSQUARE:
        return lex_close_square(st);
    case K_LPAREN:
        return lex_open_paren(st, "(");
    default:
        return lex_close_paren(st);
    }
}

static bool known_command(state *st, const known *k, size_t from)
{
    switch (k->what) {
    case K_TOKEN:
        return lex_punct(st, (math_tok)k->kind, k->text);
    case K_ITEM:
    case K_SURD:
        return item(st, k, from);
    case K_SKIP:
        st->spaced = true;
        return true;
    case K_LEFT:
        return delimiter(st, "(", true, false);
    case K_RIGHT:
        return delimiter(st, ")", false, true);
    case K_BIG:
        return delimiter(st, "|", false, false);
    case K_MIDDLE:
        return delimiter(st, "m", false, false);
    case K_TEXT:
        return wrapper(st, true);
    case K_WRAP:
        return boxed(st);
    case K_SWITCH:
        st->roman = true;
        return true;
    case K_OPERATOR:
        return operator_name(st);
    case K_VOID:
        return dropped(st, k->args);
    case K_BEGIN:
        return begin(st, from);
    case K_END:
        return end_environment(st, from);
    case K_OVER:
        return over(st, k);
    case K_BB:
        return blackboard(st, k->text);
    case K_BAR:
        return lex_punct(st, T_BAR, k->text);
    case K_BIGOP:
        return big_operator(st, k, from);
    case K_DEG:
        return degrees(st, from);
    case K_NOT:
        return negated(st);
    default:
        return known_bracket(st, k);
    }
}

/* ---- commands of one character ---- */

static bool slice(state *st, math_tok kind, size_t len)
{
    size_t from = st->i;
    st->i += len;
    return lex_item(st, kind, from, len);
}

static bool symbol(state *st, char c)
{
    switch (c) {
    case '\\':
        return row(st);
    case '&':
    case '#':
    case '_':
        return slice(st, T_OTHER, 2);
    case '\'':
    case '"':
    case '`':
    case '=':
    case '.': /* accents of words */
        st->i += 2;
        return true;
    default:
        break;
    }
    st->i += 2;
    switch (c) {
    case '{':
        return open_bracket(st, T_SET_OPEN, "\\{");
    case '}':
        return close_bracket(st, T_SET_CLOSE, "\\}");
    case '%':
        return lex_punct(st, T_PERCENT, "%");
    case '$':
        return lex_item_text(st, T_MONEY, "$");
    case '|':
        return lex_punct(st, T_DBAR, "||");
    default:
        st->spaced = true;
        return true;
    }
}

bool lex_named(state *st, size_t from, size_t end)
{
    size_t at = from + (st->s.data[from] == '\\');
    assay_str name = pc_slice(st->s, at, end);
    const known *k = lex_known(name);
    if (!k && (k = lex_known_prefix(name)) != NULL)
        end = at + strlen(k->name);
    st->i = end;
    return k ? known_command(st, k, from) : item(st, NULL, from);
}

bool lex_command(state *st)
{
    size_t from = st->i, end = from + 1;
    while (pc_is_alpha(lex_at(st, end)))
        end++;
    if (end == from + 1) {
        char c = lex_at(st, end);
        bool known_symbol = c && (pc_is_space(c) || pc_in(c, ",;:!>/-()[]{}%$|\\&#_'\"`=.*+<@^~"));
        return known_symbol ? symbol(st, c) : slice(st, T_OTHER, 1);
    }
    return lex_named(st, from, end);
}
