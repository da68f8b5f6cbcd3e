/* added.c -- a byte trie per set: each place of the text costs at most the longest token.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/added.h"

#include "base/mem.h"
#include "model/unicode.h"

struct as_added_node {
    uint32_t child, sibling; /* 0: none; node 0 is the root's stand-in */
    int32_t token;           /* index of the token that ends here, -1: none */
    unsigned char byte;
};

static uint32_t add_node(as_added_set *s, unsigned char byte)
{
    if (s->n_nodes == s->cap) {
        uint32_t cap = s->cap ? s->cap * 2 : 64;
        struct as_added_node *grown = as_realloc_array(s->nodes, cap, sizeof *grown);
        if (!grown)
            return 0;
        s->nodes = grown;
        s->cap = cap;
        if (s->n_nodes == 0)
            s->nodes[s->n_nodes++] = (struct as_added_node){ .token = -1 };
    }
    s->nodes[s->n_nodes] = (struct as_added_node){ .token = -1, .byte = byte };
    return s->n_nodes++;
}

static uint32_t find_child(const as_added_set *s, uint32_t node, unsigned char byte)
{
    uint32_t child = s->nodes[node].child;
    while (child && s->nodes[child].byte != byte)
        child = s->nodes[child].sibling;
    return child;
}

static bool insert(as_added_set *s, as_str text, int32_t index)
{
    unsigned char byte = (unsigned char)text.data[0];
    if (!s->first[byte])
        s->first[byte] = add_node(s, byte);
    uint32_t node = s->first[byte];
    for (size_t i = 1; node && i < text.len; i++) {
        byte = (unsigned char)text.data[i];
        uint32_t child = find_child(s, node, byte);
        if (!child) {
            child = add_node(s, byte);
            if (!child)
                return false;
            s->nodes[child].sibling = s->nodes[node].child;
            s->nodes[node].child = child;
        }
        node = child;
    }
    if (node)
        s->nodes[node].token = index;
    return node != 0;
}

int as_added_build(as_added_set *s, const as_added_token *tokens, size_t n, bool normalized,
                   as_err *err)
{
    *s = (as_added_set){ .tokens = tokens, .only_first = -1 };
    for (size_t i = 0; i < n; i++)
        if (tokens[i].is_normalized == normalized && !insert(s, tokens[i].text, (int32_t)i))
            return as_fail(err, AS_ENOMEM, "out of memory for %zu added tokens", n);
    unsigned n_first = 0;
    for (int i = 0; i < 256; i++) {
        n_first += s->first[i] != 0;
        if (s->first[i])
            s->only_first = i;
    }
    if (n_first != 1)
        s->only_first = -1;
    return 0;
}

void as_added_fini(as_added_set *s)
{
    as_free(s->nodes);
    *s = (as_added_set){ .only_first = -1 };
}

/* First place from `at` where some token may begin; the text's length where there is none. */
static size_t next_first(const as_added_set *s, as_str text, size_t at)
{
    if (s->only_first >= 0) {
        const char *p = at < text.len ? memchr(text.data + at, s->only_first, text.len - at) : NULL;
        return p ? (size_t)(p - text.data) : text.len;
    }
    while (at < text.len && !s->first[(unsigned char)text.data[at]])
        at++;
    return at;
}

/* The longest token at `at`, or NULL. */
static const as_added_token *longest(const as_added_set *s, as_str text, size_t at)
{
    const as_added_token *found = NULL;
    uint32_t node = s->first[(unsigned char)text.data[at]];
    while (node) {
        if (s->nodes[node].token >= 0)
            found = &s->tokens[s->nodes[node].token];
        node = ++at < text.len ? find_child(s, node, (unsigned char)text.data[at]) : 0;
    }
    return found;
}

static bool stands_alone(as_str text, size_t start, size_t end)
{
    uint32_t c;
    if (start > 0) {
        (void)as_uc_read_back(text.data, start, &c);
        if (as_uc_is_word(c))
            return false;
    }
    if (end == text.len)
        return true;
    (void)as_uc_read(text.data + end, text.len - end, &c);
    return !as_uc_is_word(c);
}

static size_t space_before(as_str text, size_t at, size_t floor)
{
    uint32_t c;
    while (at > floor) {
        unsigned n = as_uc_read_back(text.data, at, &c);
        if (as_uc_class(c) != AS_UC_SPACE)
            break;
        at -= n;
    }
    return at > floor ? at : floor;
}

static size_t space_after(as_str text, size_t at)
{
    uint32_t c;
    while (at < text.len) {
        unsigned n = as_uc_read(text.data + at, text.len - at, &c);
        if (as_uc_class(c) != AS_UC_SPACE)
            break;
        at += n;
    }
    return at;
}

bool as_added_next(as_added_walk *w, as_added_hit *hit)
{
    if (!w->set->n_nodes)
        return false;
    for (;;) {
        size_t start = next_first(w->set, w->text, w->at);
        if (start == w->text.len) {
            w->at = start;
            return false;
        }
        const as_added_token *token = longest(w->set, w->text, start);
        if (!token) {
            w->at = start + 1;
            continue;
        }
        size_t end = start + token->text.len;
        w->at = end;
        if ((w->skips_special && token->is_special) ||
            (token->is_word && !stands_alone(w->text, start, end)))
            continue;
        if (end <= w->done) /* white space that the last one took */
            continue;
        if (start < w->done)
            start = w->done;
        if (token->takes_left)
            start = space_before(w->text, start, w->done);
        if (token->takes_right)
            end = space_after(w->text, end);
        w->done = end;
        *hit = (as_added_hit){ token, start, end };
        return true;
    }
}
