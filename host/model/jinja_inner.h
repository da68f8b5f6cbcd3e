/* jinja_inner.h -- tokens, nodes, values and the state of a rendering: what the parts of the template engine share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_JINJA_INNER_H
#define AS_MODEL_JINJA_INNER_H
#include "base/arena.h"
#include "base/jspan.h"
#include "model/jinja.h"

/* ---- values: in the arena of the rendering (constants: of the template); lists and maps do not change once others see
 * them, but for namespaces ---- */
typedef enum as_jkind_of {
    AS_JV_UNDEFINED,
    AS_JV_NONE,
    AS_JV_BOOL,
    AS_JV_INT,
    AS_JV_FLOAT,
    AS_JV_STRING,
    AS_JV_LIST,
    AS_JV_MAP,
    AS_JV_NAMESPACE,
    AS_JV_FUNCTION, /* global, or bound to a value */
    AS_JV_MACRO
} as_jkind_of;

typedef struct as_jv {
    as_jkind_of kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        as_str string; /* of AS_JV_UNDEFINED: its name, for messages */
        struct as_jv_list *list;
        struct as_jv_map *map; /* of a namespace too */
        struct as_jv_function *function;
        const struct as_jn *macro;
    } of;
} as_jv;

typedef struct as_jv_list {
    as_jv *items;
    size_t n;
    bool is_tuple;
} as_jv_list;
typedef struct as_jv_pair {
    as_str key;
    as_jv value;
} as_jv_pair;
typedef struct as_jv_map {
    as_jv_pair *pairs;
    size_t n, cap;
} as_jv_map;
typedef struct as_jv_function {
    as_str name;
    as_jv self; /* AS_JV_UNDEFINED: a global function */
} as_jv_function;

/* ---- tokens ---- */
typedef enum as_jtoken_kind { AS_JT_END, AS_JT_TEXT, AS_JT_VAR, AS_JT_VAR_END, AS_JT_BLOCK, AS_JT_BLOCK_END, AS_JT_NAME,
    AS_JT_STRING, AS_JT_INT, AS_JT_FLOAT, AS_JT_OPERATOR } as_jtoken_kind;
typedef struct as_jtoken {
    as_jtoken_kind kind;
    unsigned line;
    as_str text; /* of a string: what it stands for */
    int64_t integer;
    double real;
} as_jtoken;
/* The tokens of a template, the last of them AS_JT_END; all in the arena. */
int as_jinja_lex(as_str text, const char *name, as_arena *arena, as_jtoken **out, as_err *err);

/* ---- nodes ---- */
typedef enum as_jn_kind {
    /* expressions */
    AS_JN_CONST,   /* value */
    AS_JN_NAME,    /* text */
    AS_JN_LIST,    /* args; value.of.boolean: a tuple */
    AS_JN_DICT,    /* args: key, value, key, value.. */
    AS_JN_ATTR,    /* a . text */
    AS_JN_ITEM,    /* a [ b ] */
    AS_JN_SLICE,   /* a [ args: start, stop, step; AS_JN_CONST undefined where absent ] */
    AS_JN_CALL,    /* a ( args, kwargs ) */
    AS_JN_FILTER,  /* a | text ( args, kwargs ) */
    AS_JN_TEST,    /* a is text ( args ) */
    AS_JN_NOT,     /* a */
    AS_JN_NEGATE,  /* a */
    AS_JN_BINARY,  /* a text b: + - * / // % ** ~ */
    AS_JN_COMPARE, /* a, then args: each with text (the operator) */
    AS_JN_AND,
    AS_JN_OR,
    AS_JN_IF_ELSE, /* a if b else c; c may be NULL */
    /* statements, in chains by `next` */
    AS_JN_TEXT,     /* text */
    AS_JN_OUTPUT,   /* a */
    AS_JN_IF,       /* a, body, other; value true: `other` is an elif, one such node */
    AS_JN_FOR,      /* args: names; a in; b: if; body, other */
    AS_JN_SET,      /* args: targets (names or attributes), a; or body */
    AS_JN_MACRO,    /* text, args: names with defaults in a; body */
    AS_JN_GENERATION, /* body */
    AS_JN_BREAK,
    AS_JN_CONTINUE
} as_jn_kind;

typedef struct as_jn {
    as_jn_kind kind;
    unsigned line;
    as_str text;
    as_jv value;
    struct as_jn *a, *b, *c;
    struct as_jn *args, *kwargs; /* chains by next; a keyword's name is in `keyword` */
    as_str keyword;
    struct as_jn *body, *other;
    struct as_jn *next;
} as_jn;

struct as_jinja {
    as_arena arena;
    const char *name;
    as_jn *body;
};

int as_jinja_parse_tokens(as_jinja *j, const as_jtoken *tokens, as_err *err);

/* The expression parser, for the statements' one: where it stands, and what went wrong. */
typedef struct as_jparser {
    as_jinja *j;
    const as_jtoken *at;
    unsigned depth, loops; /* loops: of those around this place */
    as_err *err;
    bool failed;
} as_jparser;
as_jn *as_jparse_expression(as_jparser *p, bool has_condition); /* NULL where it failed */
as_jn *as_jparse_tuple(as_jparser *p, bool has_condition);      /* a, b, c without brackets */
as_jn *as_jparse_targets(as_jparser *p);                        /* names, a chain */
as_jn *as_jnode(as_jparser *p, as_jn_kind kind);
as_jn *as_jparse_fail(as_jparser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool as_jparse_is(const as_jparser *p, const char *text);       /* an operator or a name */
bool as_jparse_take(as_jparser *p, const char *text);
bool as_jparse_want(as_jparser *p, const char *text);

/* ---- rendering ---- */
enum { AS_JR_DEPTH = 400 }; /* of what calls itself while rendering */

typedef struct as_jbinding {
    as_str name;
    as_jv value;
} as_jbinding;

typedef struct as_jr {
    const as_jinja *j;
    as_arena arena;
    as_buf *out; /* of the rendering, or of what is captured */
    as_jinja_spans *spans;
    size_t start; /* where the rendering began in its own `out` */
    bool is_captured;
    int64_t steps, now;
    unsigned depth;
    /* Names, a stack. Seen are those of the template's own level, [0, n_global), and [floor, n_bindings): a macro does not
     * see its caller's. Written is what begins at `scope`: a turn of a loop keeps what it sets to itself. */
    as_jbinding *bindings;
    size_t n_bindings, bindings_cap, scope, floor, n_global;
    as_jn_kind jump; /* AS_JN_BREAK or AS_JN_CONTINUE on its way to its loop; else AS_JN_CONST */
    unsigned line;   /* of the node at work */
    as_err *err;
} as_jr;

/* All return false where the rendering ends; why is in r->err. */
bool as_jr_fail(as_jr *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool as_jr_memory(as_jr *r);                  /* out of memory: says so */
bool as_jr_enter(as_jr *r);                   /* one level deeper (r->depth, which the caller takes back): not for ever */
bool as_jr_charge(as_jr *r, size_t n_bytes);  /* a step, and what it touches */
bool as_jr_eval(as_jr *r, const as_jn *n, as_jv *out);
bool as_jr_call_macro(as_jr *r, const as_jn *macro, const as_jv *args, size_t n_args, const as_jv_map *named, as_jv *out);
bool as_jr_set(as_jr *r, as_str name, as_jv value); /* in the scope at hand */
as_jv as_jr_get(as_jr *r, as_str name);
bool as_jr_statements(as_jr *r, const as_jn *chain);

/* Arguments of a call, a filter or a test, evaluated. */
typedef struct as_jargs {
    as_jv *items;
    size_t n;
    as_jv_map named;
} as_jargs;
/* The i-th argument or the one of this name; NULL where neither is there. */
const as_jv *as_jarg(const as_jargs *args, size_t i, const char *name);

typedef bool as_jfilter(as_jr *r, as_jv in, const as_jargs *args, as_jv *out);
as_jfilter *as_jinja_list_filter(as_str name); /* NULL: none of those */
bool as_jinja_has_filter(as_str name);
bool as_jinja_has_test(as_str name);
bool as_jr_filter(as_jr *r, as_str name, as_jv in, const as_jargs *args, as_jv *out);
bool as_jr_test(as_jr *r, as_str name, as_jv in, const as_jargs *args, bool *out);
bool as_jr_is_method(as_jv self, as_str name);
bool as_jr_call(as_jr *r, const as_jv_function *f, const as_jargs *args, as_jv *out);

/* values */
static inline as_jv as_jv_none(void) { return (as_jv){ .kind = AS_JV_NONE }; }
static inline as_jv as_jv_bool(bool b) { return (as_jv){ .kind = AS_JV_BOOL, .of.boolean = b }; }
static inline as_jv as_jv_int(int64_t i) { return (as_jv){ .kind = AS_JV_INT, .of.integer = i }; }
static inline as_jv as_jv_real(double f) { return (as_jv){ .kind = AS_JV_FLOAT, .of.real = f }; }
static inline as_jv as_jv_str(as_str s) { return (as_jv){ .kind = AS_JV_STRING, .of.string = s }; }
static inline as_jv as_jv_undefined(as_str name) { return (as_jv){ .kind = AS_JV_UNDEFINED, .of.string = name }; }
static inline bool as_jv_is_str(as_jv v, const char *text) { return v.kind == AS_JV_STRING && as_str_is(v.of.string, text); }
bool as_jv_truth(as_jv v);
bool as_jv_number(as_jv v, double *out);  /* of a bool, integer or float */
bool as_jv_equal(as_jr *r, as_jv a, as_jv b, bool *out);
bool as_jv_order(as_jr *r, as_jv a, as_jv b, int *out); /* numbers, strings, lists; others fail */
const char *as_jv_type(as_jv v);           /* Python's name, for messages */
bool as_jv_from_json(as_jr *r, as_jspan json, as_jv *out);
bool as_jv_text(as_jr *r, as_jv v, as_str *out);        /* str(v) */
bool as_jv_to_json(as_jr *r, as_jv v, const as_jargs *args, as_jv *out); /* json.dumps */
bool as_jv_take(as_jr *r, as_buf *b, as_jv *out);       /* a buffer's text; ends the buffer */
bool as_jv_list_new(as_jr *r, size_t n, as_jv *out);    /* items not set */
bool as_jv_copy(as_jr *r, as_str s, as_jv *out);        /* a string of its own */
as_jv_pair *as_jv_find(const as_jv_map *m, as_str key);
bool as_jv_put(as_jr *r, as_jv_map *m, as_str key, as_jv value);
bool as_jv_items(as_jr *r, as_jv v, as_jv *out);        /* what a loop over v walks: a list */
size_t as_jv_chars(as_str s);                           /* characters of a string */
size_t as_jv_char_at(as_str s, size_t n);               /* byte where character n begins, or s.len */
bool as_jv_attr(as_jr *r, as_jv of, as_str name, as_jv *out);
bool as_jv_item(as_jr *r, as_jv of, as_jv index, as_jv *out);
#endif
