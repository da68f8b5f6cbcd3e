/* spare.h -- memory set aside for FLINT and GMP to finish with when there is no other.
 *
 * They cannot be told that an allocation failed, only be left by longjmp: in the middle of a cached
 * constant (the next reader gets half of it) or with a lock held. So what they ask for comes from
 * here when malloc fails; the work is bounded, it ends, and the item becomes ERROR as it should.
 * Any thread; the lock is taken only when memory ran out. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_SPARE_H
#define MATH_SPARE_H
#include <stdbool.h>
#include <stddef.h>

void spare_set_up(void);        /* once, before the others; address space only, until it is used */
void *spare_take(size_t size);  /* NULL: this is used up as well */
bool spare_owns(const void *p); /* was it taken here? */
size_t spare_size(const void *p);
void spare_give(void *p);
#endif
