/* jinja_test.c -- what may stand after `is`. SPDX-License-Identifier: Apache-2.0 */
#include "model/jinja_inner.h"

#include <math.h>

static const struct {
    const char *name;
    unsigned kinds; /* bits of as_jkind_of that it is true of */
} of_kind[] = {
#define IS(kind) (1u << AS_JV_##kind)
    { "undefined", IS(UNDEFINED) },
    { "none", IS(NONE) },
    { "boolean", IS(BOOL) },
    { "integer", IS(INT) },
    { "float", IS(FLOAT) },
    { "number", IS(BOOL) | IS(INT) | IS(FLOAT) },
    { "string", IS(STRING) },
    { "mapping", IS(MAP) },
    { "iterable", IS(STRING) | IS(LIST) | IS(MAP) | IS(UNDEFINED) },
    { "sequence", IS(STRING) | IS(LIST) | IS(MAP) | IS(UNDEFINED) },
    { "callable", IS(FUNCTION) | IS(MACRO) },
    { "defined", ~IS(UNDEFINED) },
#undef IS
};

typedef enum of_value {
    IS_TRUE,
    IS_FALSE,
    IS_ODD,
    IS_EVEN,
    EQ,
    NE,
    LT,
    LE,
    GT,
    GE,
    IS_IN,
    IS_SAME,
    DIVISIBLE,
    N_OF_VALUE
} of_value;

static const struct {
    const char *name;
    of_value what;
} of_values[] = {
    { "true", IS_TRUE },   { "false", IS_FALSE },
    { "odd", IS_ODD },     { "even", IS_EVEN },
    { "eq", EQ },          { "equalto", EQ },
    { "==", EQ },          { "ne", NE },
    { "!=", NE },          { "lt", LT },
    { "lessthan", LT },    { "<", LT },
    { "le", LE },          { "<=", LE },
    { "gt", GT },          { "greaterthan", GT },
    { ">", GT },           { "ge", GE },
    { ">=", GE },          { "in", IS_IN },
    { "sameas", IS_SAME }, { "divisibleby", DIVISIBLE },
};

static of_value value_test(as_str name)
{
    for (size_t i = 0; i < sizeof of_values / sizeof *of_values; i++)
        if (as_str_is(name, of_values[i].name))
            return of_values[i].what;
    return N_OF_VALUE;
}

static const unsigned *kind_test(as_str name)
{
    for (size_t i = 0; i < sizeof of_kind / sizeof *of_kind; i++)
        if (as_str_is(name, of_kind[i].name))
            return &of_kind[i].kinds;
    return NULL;
}

bool as_jinja_has_test(as_str name)
{
    return kind_test(name) || value_test(name) != N_OF_VALUE;
}

/* Is `in` a part of `of`: a text of a text, an item of a list, a key of a dictionary? */
static bool contains(as_jr *r, as_jv of, as_jv in, bool *out)
{
    *out = false;
    if (of.kind == AS_JV_STRING && in.kind == AS_JV_STRING) {
        as_str s = of.of.string, part = in.of.string;
        *out = part.len == 0 || (s.len && memmem(s.data, s.len, part.data, part.len));
        return as_jr_charge(r, s.len);
    }
    if (of.kind == AS_JV_MAP) {
        *out = in.kind == AS_JV_STRING && as_jv_find(of.of.map, in.of.string);
        return as_jr_charge(r, of.of.map->n * 8);
    }
    if (of.kind == AS_JV_UNDEFINED)
        return true;
    if (of.kind != AS_JV_LIST)
        return as_jr_fail(r,
                          "\"in\" looks into a text, a list or a dictionary; this is %s, and what "
                          "it looks for is %s",
                          as_jv_type(of), as_jv_type(in));
    for (size_t i = 0; !*out && i < of.of.list->n; i++)
        if (!as_jv_equal(r, of.of.list->items[i], in, out))
            return false;
    return true;
}

static bool order(as_jr *r, of_value what, as_jv in, as_jv than, bool *out)
{
    int way;
    if (!as_jv_order(r, in, than, &way))
        return false;
    *out = what == LT ? way < 0 : what == LE ? way <= 0 : what == GT ? way > 0 : way >= 0;
    return true;
}

static bool compare(as_jr *r, of_value what, as_jv in, const as_jv *than, bool *out)
{
    if (!than)
        return as_jr_fail(r, "this test needs something to compare with");
    if (what == IS_IN)
        return contains(r, *than, in, out);
    if (what == DIVISIBLE) {
        double x, by, left;
        if (!as_jv_number(in, &x) || !as_jv_number(*than, &by) || !(by < 0 || by > 0))
            return as_jr_fail(r, "divisibleby needs numbers, and not 0");
        left = fmod(x, by);
        *out = !(left < 0) && !(left > 0);
        return true;
    }
    if (what != EQ && what != NE && what != IS_SAME)
        return order(r, what, in, *than, out);
    if (!as_jv_equal(r, in, *than, out))
        return false;
    if (what == NE)
        *out = !*out;
    if (what == IS_SAME)
        *out = *out && in.kind == than->kind;
    return true;
}

bool as_jr_test(as_jr *r, as_str name, as_jv in, const as_jargs *args, bool *out)
{
    const unsigned *kinds = kind_test(name);
    if (!as_jr_charge(r, 0))
        return false;
    if (kinds) {
        *out = *kinds >> in.kind & 1;
        return true;
    }
    of_value what = value_test(name);
    switch (what) {
    case IS_TRUE:
    case IS_FALSE:
        *out = in.kind == AS_JV_BOOL && in.of.boolean == (what == IS_TRUE);
        return true;
    case IS_ODD:
    case IS_EVEN:
        if (in.kind != AS_JV_INT)
            return as_jr_fail(r, "odd and even are of whole numbers, not %s", as_jv_type(in));
        *out = (in.of.integer % 2 != 0) == (what == IS_ODD);
        return true;
    case N_OF_VALUE:
        return as_jr_fail(r, "the test \"%.*s\" is not implemented",
                          (int)(name.len < 60 ? name.len : 60), name.data);
    case EQ:
    case NE:
    case LT:
    case LE:
    case GT:
    case GE:
    case IS_IN:
    case IS_SAME:
    case DIVISIBLE:
    default:
        return compare(r, what, in, as_jarg(args, 0, NULL), out);
    }
}
