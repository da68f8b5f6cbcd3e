/* gen_sequence.h -- one sequence that is being written: its tokens, its text, when it ends. Private to generate.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_GEN_SEQUENCE_H
#define AS_MODEL_GEN_SEQUENCE_H
#include "model/generate.h"
#include "model/kv_blocks.h"
#include "model/transformer.h"

typedef struct as_gen_seq {
    void *tag;
    uint64_t key;
    uint32_t sample;
    bool is_prefix; /* of a group: computed for its blocks, nothing is sampled */
    int32_t *ids;   /* [n_ids], prompt and completion */
    size_t n_ids, n_prompt, most;
    size_t n_cached; /* of ids */
    bool is_taken;   /* of it: into the pass that is being filled */
    as_kv_table table;
    float *logp, *entropy; /* [n_ids - n_prompt] */
    as_decoder decoder;
    as_buf text;
} as_gen_seq;

/* Room for `most` ids in all and `most_blocks` blocks; the prompt is copied. */
int as_gen_seq_new(as_gen_seq **out, const as_gen_prompt *p, size_t n_prompt, size_t most, int64_t most_blocks,
                   as_err *err);
void as_gen_seq_free(as_gen_seq *s, as_kv_blocks *blocks); /* NULL is fine */

/* What ends a sequence. */
typedef struct as_gen_ends {
    const as_sampling *how;
    const int32_t *eos; /* [n_eos] */
    size_t n_eos;
    bool has_text;
    size_t longest_stop; /* bytes */
} as_gen_ends;

/* The next token. True: the sequence is at its end (*finish), and its text is whole. */
bool as_gen_seq_add(as_gen_seq *s, const as_sampled *token, const as_gen_ends *ends, as_finish *finish);
#endif
