/* region.h -- one piece of a device's memory that training and sampling have in turn: the activations of the one and the
 * activations and cache of the other lie in the same bytes. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_REGION_H
#define AS_MODEL_REGION_H
#include "base/err.h"
#include "kernels/kernels.h"

#include <stdbool.h>

/* One thread. Outlives everything in it. */
typedef struct as_region {
    k_device *dev;
    char *memory;
    size_t bytes;
    const void *owner; /* whose numbers are in it now; NULL: nobody's */
} as_region;

/* Zero-initialise; as_region_fini in any state. AS_ENOMEM. */
int as_region_init(as_region *r, k_device *dev, size_t bytes, as_err *err);
void as_region_fini(as_region *r);
/* `bytes` from `at` on: AS_EUSAGE where the region is smaller. */
int as_region_part(as_region *r, size_t at, size_t bytes, char **out, as_err *err);
/* From now on the numbers are `owner`'s; what others had there is lost. region NULL: everybody has memory of their own. */
void as_region_claim(as_region *r, const void *owner);
/* AS_EUSAGE where another has claimed it since. */
int as_region_check(const as_region *r, const void *owner, as_err *err);
#endif
