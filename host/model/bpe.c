/* bpe.c -- the tables of a vocabulary, the memory of pieces, and merging: the pair of the lowest
 * rank first, the leftmost of equals. Short pieces scan an array of ranks, long ones keep a heap:
 * both give the same. SPDX-License-Identifier: Apache-2.0 */
#include "model/bpe.h"

#include "base/hash.h"
#include "base/mem.h"

#define EMPTY UINT64_MAX
#define NO_RANK UINT32_MAX

enum {
    SHORT = 48, /* bytes of a piece that is merged by scanning */
    SEEN_BITS = 15,
    SEEN_WORDS = 3,
    SEEN_BYTES = SEEN_WORDS * 8,
    SEEN_IDS = 9
};

struct as_bpe_seen { /* one line of the cache of the processor */
    uint64_t bytes[SEEN_WORDS];
    int32_t ids[SEEN_IDS];
    uint8_t len, n; /* len 0: empty */
};

/* A piece as a list: ids[i] stands for what begins at byte i; -1 where a merge took it. */
struct as_bpe_long {
    size_t cap;
    int32_t *ids;
    uint32_t *before, *after;
    struct candidate *heap;
    size_t n_heap, heap_cap;
};

struct candidate {
    uint32_t rank, at;
    int32_t left, right; /* what stood there: if it no longer does, the candidate is void */
    int32_t id;
};

/* ---- tables ---- */

void as_bpe_fini(as_bpe *b)
{
    as_free(b->bytes);
    as_free(b->starts);
    as_free(b->by_text);
    as_free(b->merges);
    *b = (as_bpe){ 0 };
}

/* Slots for n entries: a power of two, at most two thirds full. */
static size_t slots_for(size_t n)
{
    size_t slots = 16;
    while (slots < n + n / 2 + 1)
        slots *= 2;
    return slots;
}

int as_bpe_make(as_bpe *b, int32_t n_tokens, size_t n_bytes, as_err *err)
{
    *b = (as_bpe){ .text_mask = slots_for((size_t)n_tokens) - 1 };
    b->bytes = as_malloc(n_bytes + 1);
    b->starts = as_calloc((size_t)n_tokens + 1, sizeof *b->starts);
    b->by_text = as_realloc_array(NULL, b->text_mask + 1, sizeof *b->by_text);
    if (!b->bytes || !b->starts || !b->by_text)
        return as_fail(err, AS_ENOMEM, "out of memory for a vocabulary of %d tokens", n_tokens);
    memset(b->by_text, 0xFF, (b->text_mask + 1) * sizeof *b->by_text);
    memset(b->byte_ids, 0xFF, sizeof b->byte_ids);
    return 0;
}

/* Where the text is, or the empty slot where it would be. */
static size_t slot_of(const as_bpe *b, as_str text)
{
    size_t slot = (size_t)as_hash64(text, 0) & b->text_mask;
    while (b->by_text[slot] >= 0 && !as_str_eq(as_bpe_text(b, b->by_text[slot]), text))
        slot = (slot + 1) & b->text_mask;
    return slot;
}

int as_bpe_add(as_bpe *b, int32_t id, as_str text, bool is_found, as_err *err)
{
    uint32_t start = b->starts[b->n_tokens];
    for (; b->n_tokens <= id; b->n_tokens++)
        b->starts[b->n_tokens + 1] = start;
    if (text.len)
        memcpy(b->bytes + start, text.data, text.len);
    b->starts[id + 1] = start + (uint32_t)text.len;
    if (!is_found)
        return 0;
    size_t slot = slot_of(b, text);
    if (b->by_text[slot] >= 0)
        return as_fail(err, AS_EDATA, "tokens %d and %d are the same text", b->by_text[slot], id);
    b->by_text[slot] = id;
    if (text.len == 1)
        b->byte_ids[(unsigned char)text.data[0]] = id;
    return 0;
}

int32_t as_bpe_find(const as_bpe *b, as_str text)
{
    return b->by_text[slot_of(b, text)];
}

int as_bpe_make_merges(as_bpe *b, size_t n_merges, as_err *err)
{
    size_t slots = slots_for(n_merges);
    b->merge_mask = slots - 1;
    b->merges = as_realloc_array(NULL, slots, sizeof *b->merges);
    if (!b->merges)
        return as_fail(err, AS_ENOMEM, "out of memory for %zu merges", n_merges);
    for (size_t i = 0; i < slots; i++)
        b->merges[i] = (as_bpe_merge){ EMPTY, NO_RANK, -1 };
    return 0;
}

static inline as_bpe_merge *merge_slot(const as_bpe *b, int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)left << 32 | (uint32_t)right;
    size_t slot = (size_t)((key * 0x9E3779B97F4A7C15u) >> 24) & b->merge_mask;
    while (b->merges[slot].key != key && b->merges[slot].key != EMPTY)
        slot = (slot + 1) & b->merge_mask;
    return &b->merges[slot];
}

void as_bpe_merge_add(as_bpe *b, int32_t left, int32_t right, uint32_t rank, int32_t id)
{
    *merge_slot(b, left, right) =
        (as_bpe_merge){ (uint64_t)left << 32 | (uint32_t)right, rank, id };
}

/* Rank of the pair, and the id it becomes; NO_RANK where it is no merge. */
static inline uint32_t rank_of(const as_bpe *b, int32_t left, int32_t right, int32_t *id)
{
    const as_bpe_merge *m = merge_slot(b, left, right);
    *id = m->id;
    return m->rank;
}

/* ---- merging ---- */

int as_bpe_run_init(as_bpe_run *r, const as_bpe *b, as_err *err)
{
    *r = (as_bpe_run){ .bpe = b, .cap = SHORT };
    r->seen = as_calloc((size_t)1 << SEEN_BITS, sizeof *r->seen);
    r->room = as_calloc(1, sizeof *r->room);
    r->ids = as_realloc_array(NULL, SHORT, sizeof *r->ids);
    if (r->seen && r->room && r->ids)
        return 0;
    as_bpe_run_fini(r);
    return as_fail(err, AS_ENOMEM, "out of memory for an encoder");
}

void as_bpe_run_fini(as_bpe_run *r)
{
    if (r->room) {
        as_free(r->room->ids);
        as_free(r->room->before);
        as_free(r->room->after);
        as_free(r->room->heap);
    }
    as_free(r->room);
    as_free(r->seen);
    as_free(r->ids);
    *r = (as_bpe_run){ 0 };
}

static int no_token(unsigned char byte, as_err *err)
{
    return as_fail(err, AS_EDATA, "the vocabulary has no token for the byte 0x%02X", byte);
}

/* piece.len <= SHORT; the ids go to r->ids. */
static int merge_short(as_bpe_run *r, as_str piece, size_t *n_ids, as_err *err)
{
    const as_bpe *b = r->bpe;
    uint32_t ranks[SHORT]; /* of the pair that begins at i */
    int32_t made[SHORT], *ids = r->ids;
    size_t n = piece.len;
    for (size_t i = 0; i < n; i++) {
        ids[i] = b->byte_ids[(unsigned char)piece.data[i]];
        if (ids[i] < 0)
            return no_token((unsigned char)piece.data[i], err);
    }
    for (size_t i = 0; i + 1 < n; i++)
        ranks[i] = rank_of(b, ids[i], ids[i + 1], &made[i]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            best = ranks[i] < ranks[best] ? i : best;
        if (ranks[best] == NO_RANK)
            break;
        ids[best] = made[best];
        n--;
        for (size_t i = best + 1; i < n; i++) {
            ids[i] = ids[i + 1];
            ranks[i - 1] = ranks[i];
            made[i - 1] = made[i];
        }
        if (best + 1 < n)
            ranks[best] = rank_of(b, ids[best], ids[best + 1], &made[best]);
        if (best > 0)
            ranks[best - 1] = rank_of(b, ids[best - 1], ids[best], &made[best - 1]);
    }
    *n_ids = n;
    return 0;
}

static bool is_before(const struct candidate *a, const struct candidate *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->at < b->at);
}

static void push(struct as_bpe_long *l, const as_bpe *b, uint32_t at, uint32_t next)
{
    struct candidate new = { .at = at, .left = l->ids[at], .right = l->ids[next] };
    new.rank = rank_of(b, new.left, new.right, &new.id);
    if (new.rank == NO_RANK)
        return;
    size_t i = l->n_heap++;
    for (; i > 0 && is_before(&new, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = new;
}

static struct candidate pop(struct as_bpe_long *l)
{
    struct candidate top = l->heap[0], last = l->heap[--l->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= l->n_heap)
            break;
        if (child + 1 < l->n_heap && is_before(&l->heap[child + 1], &l->heap[child]))
            child++;
        if (!is_before(&l->heap[child], &last))
            break;
        l->heap[i] = l->heap[child];
        i = child;
    }
    l->heap[i] = last;
    return top;
}

/* Room for n bytes. Each byte is pushed once, and each of fewer than n merges pushes two more. */
static bool make_room(as_bpe_run *r, size_t n)
{
    struct as_bpe_long *l = r->room;
    if (n > l->cap) {
        size_t heap;
        if (n >= UINT32_MAX || !as_mul_ok(n, 3, &heap))
            return false;
        int32_t *ids = as_realloc_array(l->ids, n, sizeof *ids);
        l->ids = ids ? ids : l->ids;
        uint32_t *before = as_realloc_array(l->before, n, sizeof *before);
        l->before = before ? before : l->before;
        uint32_t *after = as_realloc_array(l->after, n, sizeof *after);
        l->after = after ? after : l->after;
        struct candidate *grown = as_realloc_array(l->heap, heap, sizeof *grown);
        l->heap = grown ? grown : l->heap;
        if (!ids || !before || !after || !grown)
            return false;
        l->cap = n;
    }
    if (n > r->cap) {
        int32_t *ids = as_realloc_array(r->ids, n, sizeof *ids);
        if (!ids)
            return false;
        r->ids = ids;
        r->cap = n;
    }
    return true;
}

static int merge_long(as_bpe_run *r, as_str piece, size_t *n_ids, as_err *err)
{
    if (!make_room(r, piece.len))
        return as_fail(err, AS_ENOMEM, "out of memory while encoding a piece of %zu bytes",
                       piece.len);
    struct as_bpe_long *l = r->room;
    uint32_t n = (uint32_t)piece.len;
    for (uint32_t i = 0; i < n; i++) {
        l->ids[i] = r->bpe->byte_ids[(unsigned char)piece.data[i]];
        if (l->ids[i] < 0)
            return no_token((unsigned char)piece.data[i], err);
        l->before[i] = i - 1; /* of 0: never looked at */
        l->after[i] = i + 1;
    }
    l->n_heap = 0;
    for (uint32_t i = 0; i + 1 < n; i++)
        push(l, r->bpe, i, i + 1);
    while (l->n_heap) {
        struct candidate c = pop(l);
        uint32_t right = l->after[c.at];
        if (l->ids[c.at] != c.left || right >= n || l->ids[right] != c.right)
            continue;
        uint32_t next = l->after[right];
        l->ids[c.at] = c.id;
        l->ids[right] = -1;
        l->after[c.at] = next;
        if (next < n) {
            l->before[next] = c.at;
            push(l, r->bpe, c.at, next);
        }
        if (c.at > 0)
            push(l, r->bpe, l->before[c.at], c.at);
    }
    *n_ids = 0;
    for (uint32_t i = 0; i < n; i = l->after[i])
        r->ids[(*n_ids)++] = l->ids[i];
    return 0;
}

static int merge(as_bpe_run *r, as_str piece, size_t *n, as_err *err)
{
    if (r->bpe->takes_whole) {
        int32_t id = as_bpe_find(r->bpe, piece);
        if (id >= 0) {
            r->ids[0] = id;
            *n = 1;
            return 0;
        }
    }
    return piece.len <= SHORT ? merge_short(r, piece, n, err) : merge_long(r, piece, n, err);
}

/* The bytes of a piece of at most SEEN_BYTES as words, zeros behind them. */
static inline void pack(uint64_t words[SEEN_WORDS], as_str piece, size_t safe)
{
    if (safe < SEEN_BYTES) {
        memset(words, 0, SEEN_BYTES);
        memcpy(words, piece.data, piece.len);
        return;
    }
    memcpy(words, piece.data, SEEN_BYTES);
    for (size_t i = 0; i < SEEN_WORDS; i++) {
        size_t left = piece.len > 8 * i ? piece.len - 8 * i : 0;
        words[i] &= left >= 8 ? UINT64_MAX : ((uint64_t)1 << 8 * left) - 1; /* little-endian */
    }
}

static inline struct as_bpe_seen *seen_slot(const as_bpe_run *r, const uint64_t words[SEEN_WORDS])
{
    uint64_t h = words[0] * 0x9E3779B97F4A7C15u;
    h = (h ^ h >> 29 ^ words[1]) * 0xBF58476D1CE4E5B9u;
    h = (h ^ h >> 31 ^ words[2]) * 0x94D049BB133111EBu;
    return &r->seen[h >> (64 - SEEN_BITS)];
}

int as_bpe_piece(as_bpe_run *r, as_str piece, size_t safe, const int32_t **ids, size_t *n,
                 as_err *err)
{
    int rc;
    if (piece.len > SEEN_BYTES) {
        rc = merge(r, piece, n, err);
        *ids = r->ids;
        return rc;
    }
    uint64_t words[SEEN_WORDS];
    pack(words, piece, safe);
    struct as_bpe_seen *seen = seen_slot(r, words);
    if (seen->len == piece.len && memcmp(seen->bytes, words, sizeof words) == 0) {
        *ids = seen->ids;
        *n = seen->n;
        return 0;
    }
    rc = merge(r, piece, n, err);
    *ids = r->ids;
    if (rc == 0 && *n <= SEEN_IDS) {
        memcpy(seen->bytes, words, sizeof words);
        memcpy(seen->ids, r->ids, *n * sizeof *r->ids);
        seen->len = (uint8_t)piece.len;
        seen->n = (uint8_t)*n;
    }
    return rc;
}
