/* python.h -- Python source as a tree (tree-sitter): what it defines, imports and names. Nothing is
 * run, and nothing is judged by how a program looks: this only finds the program in a text, and the
 * calls in a test. One thread at a time per cd_python. SPDX-License-Identifier: Apache-2.0 */
#ifndef CODE_PYTHON_H
#define CODE_PYTHON_H
#include "pool.h"

#include <tree_sitter/api.h>

enum {
    CD_PARSE_MAX = 1 << 17, /* bytes of source; what is longer is not looked into */
    CD_WEIGHT_MAX = 50000,  /* nor what may be more tokens than this */
    CD_PARSE_US = 2000000
};
/* No fewer than the tokens in a text. */
size_t cd_code_weight(assay_str text);

typedef struct cd_python cd_python;
cd_python *cd_python_new(void); /* NULL: no memory */
void cd_python_free(cd_python *p);

typedef struct cd_code {
    assay_str text;
    TSTree *tree; /* NULL: too long, too slow: nothing is known of it */
    TSNode root;
    bool broken;      /* it has syntax errors, or nothing is known */
    assay_str *bound; /* the names bound at its top, sorted */
    uint32_t n_bound;
} cd_code;
/* The text is borrowed. False: no memory for a parse. */
bool cd_code_parse(cd_python *p, assay_str text, cd_code *out);
void cd_code_fini(cd_code *c);

bool cd_node_is(TSNode node, const char *type);
assay_str cd_node_text(const cd_code *c, TSNode node);
TSNode cd_node_field(TSNode node, const char *name);

/* The named children of a node, one by one: CD_CHILDREN(it, node); while (cd_next_child(&it,
 * &child)) ... */
typedef struct cd_children {
    TSTreeCursor cursor;
    bool is_open, is_first;
} cd_children;
cd_children cd_children_of(TSNode node); /* a null node has none */
bool cd_next_child(cd_children *it, TSNode *child);
void cd_children_end(cd_children *it);
#define CD_CHILDREN(it, node)                                                                      \
    __attribute__((cleanup(cd_children_end))) cd_children it = cd_children_of(node)
TSNode cd_first_child(TSNode node); /* named; null where there is none */

typedef enum cd_statement { CD_IMPORT, CD_FUTURE, CD_DEFINITION, CD_ASSERT, CD_OTHER } cd_statement;
cd_statement cd_statement_kind(TSNode statement);

typedef bool cd_each(void *ctx, assay_str name); /* false: no more */
/* Every name bound by this statement: def, class, import, assignment (also inside if, try, with).
 */
void cd_each_bound(const cd_code *c, TSNode statement, cd_each *each, void *ctx);
/* Every identifier that is not an attribute's or keyword's name, in order. */
void cd_each_name(const cd_code *c, TSNode node, cd_each *each, void *ctx);
bool cd_binds(const cd_code *c, TSNode statement, assay_str name);
bool cd_defines(const cd_code *c, assay_str name); /* any statement at the top */
bool cd_names(const cd_code *c, TSNode node, assay_str name);
/* Does class `name` at the top have this method? */
bool cd_has_method(const cd_code *c, assay_str name, assay_str method);
bool cd_contains(TSNode node, const char *type); /* it, or anything in it, is of this type */
/* Calls `enter` for every node, depth first; it says whether to go into one. */
void cd_each_node(TSNode top, bool (*enter)(void *ctx, TSNode node), void *ctx);
/* Is it one of Python's builtin functions or types? */
bool cd_is_builtin(assay_str name);
#endif
