/* extract.h -- the program in a model's text: which of its code blocks is the answer, and what of
 * the others it needs. SPDX-License-Identifier: Apache-2.0 */
#ifndef CODE_EXTRACT_H
#define CODE_EXTRACT_H
#include "task.h"

typedef struct cd_program {
    assay_str source;  /* data NULL: there is none */
    const char *entry; /* to be called; the task's, or a method of that name: "Solution.f" */
    const char *rule;  /* where it was found: "block", "text", "prefix" */
    const char *why;   /* there is none: why, as a sentence */
    bool is_cut;       /* ... the text ends inside it */
} cd_program;

/* The last complete fenced block that defines the entry point; blocks marked as the task's language
 * go first, unmarked ones next. Imports of earlier blocks, and definitions of theirs that it uses,
 * are put in front. Without blocks: the whole text where it is a program, the program inside it, or
 * what the prefix goes on to. Memory is the pool's. */
void cd_extract(cd_program *out, const cd_task *task, cd_python *py, assay_str completion,
                cd_pool *pool);

/* fence.c: the blocks themselves (CommonMark's fences). */
typedef struct cd_block {
    assay_str mark; /* the first word after the fence; may be empty */
    assay_str body; /* indentation of the fence taken off */
    bool is_closed;
} cd_block;
enum { CD_BLOCKS = 256 }; /* of more the first are forgotten */
uint32_t cd_find_blocks(cd_block out[CD_BLOCKS], assay_str text, cd_pool *pool);
#endif
