/* jinja_eval.c -- expressions to values. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "model/jinja_inner.h"

#include <math.h>

/* NOLINTBEGIN(misc-no-recursion): r->depth bounds it */
/* ---- arguments ---- */

static bool eval_args(as_jr *r, const as_jn *n, as_jargs *args)
{
    size_t count = 0;
    for (const as_jn *a = n->args; a; a = a->next)
        count++;
    *args = (as_jargs){ .items = as_arena_calloc(&r->arena, count + 1, sizeof *args->items) };
    if (!args->items)
        return as_jr_memory(r);
    for (const as_jn *a = n->args; a; a = a->next)
        if (!as_jr_eval(r, a, &args->items[args->n++]))
            return false;
    for (const as_jn *a = n->kwargs; a; a = a->next) {
        as_jv v = as_jv_none();
        if (!as_jr_eval(r, a, &v) || !as_jv_put(r, &args->named, a->keyword, v))
            return false;
    }
    return true;
}

static bool eval_call(as_jr *r, const as_jn *n, as_jv *out)
{
    as_jv callee = as_jv_none();
    as_jargs args;
    if (!as_jr_eval(r, n->a, &callee) || !eval_args(r, n, &args))
        return false;
    r->line = n->line;
    if (callee.kind == AS_JV_FUNCTION)
        return as_jr_call(r, callee.of.function, &args, out);
    if (callee.kind == AS_JV_MACRO)
        return as_jr_call_macro(r, callee.of.macro, args.items, args.n, &args.named, out);
    if (callee.kind == AS_JV_UNDEFINED)
        return as_jr_fail(r, "the function or method \"%.*s\" is undefined, or not implemented",
                          AS_FMT(callee.of.string));
    return as_jr_fail(r, "a value of type %s cannot be called", as_jv_type(callee));
}

/* ---- arithmetic ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

static bool integers(as_jr *r, int op, int64_t a, int64_t b, as_jv *out)
{
    int64_t v = 0;
    bool overflows = false;
    if ((op == '/' || op == 'd' || op == '%') && b == 0)
        return as_jr_fail(r, "division by zero");
    switch (op) {
    case '+':
        overflows = __builtin_add_overflow(a, b, &v);
        break;
    case '-':
        overflows = __builtin_sub_overflow(a, b, &v);
        break;
    case '*':
        overflows = __builtin_mul_overflow(a, b, &v);
        break;
    case '/':
        *out = as_jv_real((double)a / (double)b);
        return true;
    case 'd': /* // */
        overflows = a == INT64_MIN && b == -1;
        v = overflows ? 0 : floor_div(a, b);
        break;
    case '%':
        v = b == -1 ? 0 : a - floor_div(a, b) * b;
        break;
    default: /* ** */
        if (b < 0) {
            *out = as_jv_real(pow((double)a, (double)b));
            return true;
        }
        for (v = 1; b > 0 && !overflows && b <= 64; b--)
            overflows = __builtin_mul_overflow(v, a, &v);
        overflows = overflows || b > 0;
        break;
    }
    *out = as_jv_int(v);
    return !overflows || as_jr_fail(r, "a number is too large");
}

static bool reals(as_jr *r, int op, double a, double b, as_jv *out)
{
    bool is_zero = !(b < 0) && !(b > 0);
    if ((op == '/' || op == 'd' || op == '%') && is_zero)
        return as_jr_fail(r, "division by zero");
    double v = op == '+'   ? a + b
               : op == '-' ? a - b
               : op == '*' ? a * b
               : op == '/' ? a / b
               : op == 'd' ? floor(a / b)
                           : 0;
    if (op == '%')
        v = a - floor(a / b) * b;
    else if (op == 'p')
        v = pow(a, b);
    *out = as_jv_real(v);
    return true;
}

static bool concat(as_jr *r, as_str a, as_str b, as_jv *out)
{
    if (!as_jr_charge(r, a.len + b.len))
        return false;
    char *both = as_arena_alloc(&r->arena, a.len + b.len + 1);
    if (!both)
        return as_jr_memory(r);
    if (a.len)
        memcpy(both, a.data, a.len);
    if (b.len)
        memcpy(both + a.len, b.data, b.len);
    both[a.len + b.len] = 0;
    *out = as_jv_str((as_str){ both, a.len + b.len });
    return true;
}

static bool concat_lists(as_jr *r, const as_jv_list *a, const as_jv_list *b, as_jv *out)
{
    if (!as_jv_list_new(r, a->n + b->n, out))
        return false;
    if (a->n)
        memcpy(out->of.list->items, a->items, a->n * sizeof *a->items);
    if (b->n)
        memcpy(out->of.list->items + a->n, b->items, b->n * sizeof *b->items);
    out->of.list->is_tuple = a->is_tuple;
    return true;
}

static bool repeat(as_jr *r, as_str s, int64_t n, as_jv *out)
{
    size_t len = 0;
    n = n < 0 ? 0 : n;
    if (!as_mul_ok(s.len, (size_t)n, &len) || len > AS_JINJA_OUTPUT)
        return as_jr_fail(r, "a text repeated %lld times is too long", (long long)n);
    if (!as_jr_charge(r, len))
        return false;
    char *text = as_arena_alloc(&r->arena, len + 1);
    if (!text)
        return as_jr_memory(r);
    for (size_t at = 0; at < len; at += s.len)
        memcpy(text + at, s.data, s.len);
    text[len] = 0;
    *out = as_jv_str((as_str){ text, len });
    return true;
}

static bool eval_binary(as_jr *r, const as_jn *n, as_jv *out)
{
    as_jv a, b;
    double x, y;
    int op = as_str_is(n->text, "//") ? 'd' : as_str_is(n->text, "**") ? 'p' : n->text.data[0];
    if (!as_jr_eval(r, n->a, &a) || !as_jr_eval(r, n->b, &b))
        return false;
    r->line = n->line;
    if (op == '~') {
        as_str s, t;
        return as_jv_text(r, a, &s) && as_jv_text(r, b, &t) && concat(r, s, t, out);
    }
    if (a.kind == AS_JV_BOOL)
        a = as_jv_int(a.of.boolean);
    if (b.kind == AS_JV_BOOL)
        b = as_jv_int(b.of.boolean);
    if (a.kind == AS_JV_INT && b.kind == AS_JV_INT)
        return integers(r, op, a.of.integer, b.of.integer, out);
    if (as_jv_number(a, &x) && as_jv_number(b, &y))
        return reals(r, op, x, y, out);
    if (op == '+' && a.kind == AS_JV_STRING && b.kind == AS_JV_STRING)
        return concat(r, a.of.string, b.of.string, out);
    if (op == '+' && a.kind == AS_JV_LIST && b.kind == AS_JV_LIST &&
        a.of.list->is_tuple == b.of.list->is_tuple)
        return concat_lists(r, a.of.list, b.of.list, out);
    if (op == '*' && a.kind == AS_JV_STRING && b.kind == AS_JV_INT)
        return repeat(r, a.of.string, b.of.integer, out);
    const as_jv *missing = a.kind == AS_JV_UNDEFINED ? &a : b.kind == AS_JV_UNDEFINED ? &b : NULL;
    if (missing)
        return as_jr_fail(r, "\"%.*s\" is undefined", AS_FMT(missing->of.string));
    return as_jr_fail(r, "%.*s of %s and %s is not defined", AS_FMT(n->text), as_jv_type(a),
                      as_jv_type(b));
}

/* ---- comparing ---- */

static bool compare_one(as_jr *r, as_str op, as_jv a, as_jv b, bool *out)
{
    const as_jargs args = { .items = &b, .n = 1 };
    if (!as_str_is(op, "not in"))
        return as_jr_test(r, op, a, &args, out);
    bool done = as_jr_test(r, AS_LIT("in"), a, &args, out);
    *out = !*out;
    return done;
}

static bool eval_compare(as_jr *r, const as_jn *n, as_jv *out)
{
    as_jv left, right;
    bool holds = true;
    if (!as_jr_eval(r, n->a, &left))
        return false;
    for (const as_jn *c = n->args; c && holds; c = c->next) {
        if (!as_jr_eval(r, c->a, &right))
            return false;
        r->line = c->line;
        if (!compare_one(r, c->text, left, right, &holds))
            return false;
        left = right;
    }
    *out = as_jv_bool(holds);
    return true;
}

/* ---- parts ---- */

/* A bound of a slice as Python clips it. */
static bool bound(as_jr *r, as_jv v, int64_t n, int64_t step, int64_t otherwise, int64_t *out)
{
    *out = otherwise;
    if (v.kind == AS_JV_NONE)
        return true;
    if (v.kind != AS_JV_INT)
        return as_jr_fail(r, "a slice takes whole numbers, not %s", as_jv_type(v));
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? n - 1 : n, i = v.of.integer;
    i = i < 0 && i >= -n ? i + n : i < -n ? low : i;
    *out = i < low ? low : i > high ? high : i;
    return true;
}

static bool slice_list(as_jr *r, as_jv of, int64_t start, int64_t stop, int64_t step, as_jv *out)
{
    size_t count = 0;
    for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step)
        count++;
    if (!as_jv_list_new(r, count, out))
        return false;
    out->of.list->is_tuple = of.of.list->is_tuple;
    count = 0;
    for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step)
        out->of.list->items[count++] = of.of.list->items[i];
    return true;
}

static bool eval_slice(as_jr *r, const as_jn *n, as_jv *out)
{
    as_jv of, parts[3];
    int64_t start, stop;
    const as_jn *part = n->args;
    if (!as_jr_eval(r, n->a, &of))
        return false;
    for (int i = 0; i < 3; i++, part = part->next)
        if (!as_jr_eval(r, part, &parts[i]))
            return false;
    r->line = n->line;
    bool is_text = of.kind == AS_JV_STRING;
    as_jv items = of;
    if (of.kind == AS_JV_UNDEFINED)
        return as_jr_fail(r, "\"%.*s\" is undefined (a slice of it was asked for)",
                          AS_FMT(of.of.string));
    if (of.kind != AS_JV_LIST && !is_text)
        return as_jr_fail(r, "a value of type %s cannot be sliced", as_jv_type(of));
    int64_t step = parts[2].kind == AS_JV_INT ? parts[2].of.integer : 1;
    if (step == 0 || step > INT32_MAX || step < INT32_MIN ||
        (parts[2].kind != AS_JV_INT && parts[2].kind != AS_JV_NONE))
        return as_jr_fail(r, "this step of a slice is not implemented");
    int64_t count = is_text ? (int64_t)as_jv_chars(of.of.string) : (int64_t)of.of.list->n;
    if (!bound(r, parts[0], count, step, step < 0 ? count - 1 : 0, &start) ||
        !bound(r, parts[1], count, step, step < 0 ? -1 : count, &stop))
        return false;
    if (is_text && step == 1) {
        size_t from = as_jv_char_at(of.of.string, (size_t)start);
        as_str rest = { of.of.string.data + from, of.of.string.len - from };
        rest.len = stop > start ? as_jv_char_at(rest, (size_t)(stop - start)) : 0;
        return as_jr_charge(r, of.of.string.len) && as_jv_copy(r, rest, out);
    }
    if (is_text && !as_jv_items(r, of, &items))
        return false;
    if (!slice_list(r, items, start, stop, step, out) || !is_text)
        return r->err->code == 0;
    const as_jargs none = { 0 };
    return as_jr_filter(r, AS_LIT("join"), *out, &none, out);
}

static bool eval_list(as_jr *r, const as_jn *n, as_jv *out)
{
    as_jargs args;
    as_jv_list *list = as_arena_calloc(&r->arena, 1, sizeof *list);
    if (!list)
        return as_jr_memory(r);
    if (!eval_args(r, n, &args))
        return false;
    *list = (as_jv_list){ args.items, args.n, n->value.kind == AS_JV_BOOL };
    *out = (as_jv){ .kind = AS_JV_LIST, .of.list = list };
    return true;
}

static bool eval_dict(as_jr *r, const as_jn *n, as_jv *out)
{
    as_jargs args;
    as_jv_map *map = as_arena_calloc(&r->arena, 1, sizeof *map);
    if (!map)
        return as_jr_memory(r);
    if (!eval_args(r, n, &args))
        return false;
    for (size_t i = 0; i + 1 < args.n; i += 2) {
        if (args.items[i].kind != AS_JV_STRING)
            return as_jr_fail(r, "keys of dictionaries are texts; %s is not implemented",
                              as_jv_type(args.items[i]));
        if (!as_jv_put(r, map, args.items[i].of.string, args.items[i + 1]))
            return false;
    }
    *out = (as_jv){ .kind = AS_JV_MAP, .of.map = map };
    return true;
}

static bool eval_attr(as_jr *r, const as_jn *n, as_jv *out)
{
    as_jv of, index = as_jv_none();
    if (!as_jr_eval(r, n->a, &of) || (n->kind == AS_JN_ITEM && !as_jr_eval(r, n->b, &index)))
        return false;
    r->line = n->line;
    return n->kind == AS_JN_ITEM ? as_jv_item(r, of, index, out) : as_jv_attr(r, of, n->text, out);
}

static bool eval_applied(as_jr *r, const as_jn *n, as_jv *out)
{
    as_jv in;
    as_jargs args;
    bool holds;
    if (!as_jr_eval(r, n->a, &in) || !eval_args(r, n, &args))
        return false;
    r->line = n->line;
    if (n->kind == AS_JN_FILTER)
        return as_jr_filter(r, n->text, in, &args, out);
    if (!as_jr_test(r, n->text, in, &args, &holds))
        return false;
    *out = as_jv_bool(holds);
    return true;
}

/* ---- logic ---- */

static bool eval_logic(as_jr *r, const as_jn *n, as_jv *out)
{
    if (n->kind == AS_JN_IF_ELSE) {
        as_jv condition;
        if (!as_jr_eval(r, n->b, &condition))
            return false;
        if (as_jv_truth(condition))
            return as_jr_eval(r, n->a, out);
        *out = as_jv_undefined(AS_LIT("an if without else"));
        return !n->c || as_jr_eval(r, n->c, out);
    }
    if (!as_jr_eval(r, n->a, out))
        return false;
    if (n->kind == AS_JN_NOT)
        *out = as_jv_bool(!as_jv_truth(*out));
    else if (as_jv_truth(*out) == (n->kind == AS_JN_AND))
        return as_jr_eval(r, n->b, out);
    return true;
}

static bool eval_negate(as_jr *r, const as_jn *n, as_jv *out)
{
    if (!as_jr_eval(r, n->a, out))
        return false;
    r->line = n->line;
    if (out->kind == AS_JV_FLOAT)
        out->of.real = -out->of.real;
    else if (out->kind == AS_JV_INT)
        return integers(r, '-', 0, out->of.integer, out);
    else
        return as_jr_fail(r, "- of %s is not implemented", as_jv_type(*out));
    return true;
}

static bool eval(as_jr *r, const as_jn *n, as_jv *out)
{
    switch ((int)n->kind) {
    case AS_JN_CONST:
        *out = n->value;
        return true;
    case AS_JN_NAME:
        *out = as_jr_get(r, n->text);
        return true;
    case AS_JN_LIST:
        return eval_list(r, n, out);
    case AS_JN_DICT:
        return eval_dict(r, n, out);
    case AS_JN_ATTR:
    case AS_JN_ITEM:
        return eval_attr(r, n, out);
    case AS_JN_SLICE:
        return eval_slice(r, n, out);
    case AS_JN_CALL:
        return eval_call(r, n, out);
    case AS_JN_FILTER:
    case AS_JN_TEST:
        return eval_applied(r, n, out);
    case AS_JN_BINARY:
        return eval_binary(r, n, out);
    case AS_JN_COMPARE:
        return eval_compare(r, n, out);
    case AS_JN_NEGATE:
        return eval_negate(r, n, out);
    default:
        return eval_logic(r, n, out);
    }
}

bool as_jr_eval(as_jr *r, const as_jn *n, as_jv *out)
{
    r->line = n->line;
    if (!as_jr_charge(r, 0) || !as_jr_enter(r))
        return false;
    bool done = eval(r, n, out);
    r->depth--;
    return done;
}
/* NOLINTEND(misc-no-recursion) */
