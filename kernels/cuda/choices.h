/* choices.h -- what was chosen once and holds from then on, for every process: a text file with a
 * line "KEY = VALUE" each, under a first line that says what it is all for. Lines are added and
 * never changed, and the first of a key counts, whoever wrote it. Plain C.
 *
 * Two processes at once: lines are added under flock, after reading those that others added. Killed
 * while it writes: a last line without its end is nobody's, and is cut off by who writes next.
 * What stands in the file is text that its reader compares: nothing in it is counted with, and what
 * is no line of ours is passed over. [one thread]
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_CHOICES_H
#define K_CUDA_CHOICES_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { K_CHOICE_MAX = 160 }; /* of a key, a value, a head: bytes with the end of the text */

typedef struct k_choices k_choices;

/* The file at path, made where there is none, and never another's: its first line is head. NULL:
 * no memory. */
k_choices *k_choices_open(const char *path, const char *head);
void k_choices_close(k_choices *c); /* NULL is fine */

/* "PATH: WHY", from when on nothing more is read or kept; NULL where all is well. What was read
 * before is still found. */
const char *k_choices_lost(const k_choices *c);

/* Whether key has a value, which is put into value[K_CHOICE_MAX], cut to fit. */
bool k_choices_find(k_choices *c, const char *key, char *value);

/* Keeps value for key, where it has none yet; value[K_CHOICE_MAX] becomes the one that counts.
 * false: it is not kept. */
bool k_choices_keep(k_choices *c, const char *key, char *value);

#ifdef __cplusplus
}
#endif
#endif
