/* region.c -- see region.h. SPDX-License-Identifier: Apache-2.0 */
#include "model/region.h"

int as_region_init(as_region *r, k_device *dev, size_t bytes, as_err *err)
{
    *r = (as_region){ .dev = dev, .memory = dev->ops->alloc(dev, bytes), .bytes = bytes };
    return r->memory ? 0
                     : as_fail(err, AS_ENOMEM, "no memory for passes (%.1f MiB)",
                               (double)bytes / 1048576);
}

void as_region_fini(as_region *r)
{
    if (r->dev)
        r->dev->ops->free(r->dev, r->memory);
    *r = (as_region){ 0 };
}

int as_region_part(as_region *r, size_t at, size_t bytes, char **out, as_err *err)
{
    if (at > r->bytes || bytes > r->bytes - at)
        return as_fail(err, AS_EUSAGE, "%zu bytes from %zu on, of a region of %zu", bytes, at,
                       r->bytes);
    *out = r->memory + at;
    return 0;
}

void as_region_claim(as_region *r, const void *owner)
{
    if (r)
        r->owner = owner;
}

int as_region_check(const as_region *r, const void *owner, as_err *err)
{
    return !r || r->owner == owner
               ? 0
               : as_fail(err, AS_EUSAGE,
                         "the memory of this pass was another's since: a forward comes first");
}
