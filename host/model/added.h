/* added.h -- added tokens: texts that have an id of their own and are looked for before anything else. Longest first at the
 * leftmost place, with the flags of tokenizer.json. Built once, then read only [any thread].
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_ADDED_H
#define AS_MODEL_ADDED_H
#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum { AS_ADDED_LENGTH = 512 }; /* bytes of the longest: what a text costs is bounded by it */

typedef struct as_added_token {
    as_str text; /* never empty */
    int32_t id;
    bool is_special;
    bool takes_left, takes_right; /* lstrip, rstrip: white space beside it belongs to it */
    bool is_word;                 /* single_word: only where no word character touches it */
    bool is_normalized;           /* looked for in the normalised text, not in the raw one */
} as_added_token;

struct as_added_node;
typedef struct as_added_set { /* a trie over tokens[0, n) that are looked for together */
    const as_added_token *tokens;
    struct as_added_node *nodes;
    uint32_t n_nodes, cap;
    uint32_t first[256];     /* node of a first byte, 0: none */
    int only_first;          /* the one first byte that all share, or -1 */
} as_added_set;

/* `tokens` stay the caller's and must outlive the set. `normalized`: which of them. 0 or AS_ENOMEM. */
int as_added_build(as_added_set *s, const as_added_token *tokens, size_t n, bool normalized, as_err *err);
void as_added_fini(as_added_set *s);

typedef struct as_added_hit {
    const as_added_token *token;
    size_t start, end; /* in the text, with the white space that the token takes */
} as_added_hit;

typedef struct as_added_walk {
    const as_added_set *set;
    as_str text;
    size_t at, done; /* where the search goes on; end of the last hit */
    bool skips_special;
} as_added_walk;

/* The next hit, or false. Hits do not overlap. skips_special: special tokens are text like any other. */
bool as_added_next(as_added_walk *w, as_added_hit *hit);
#endif
