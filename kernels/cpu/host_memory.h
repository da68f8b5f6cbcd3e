/* host_memory.h -- how much memory the host has: a device's, where the processor is the device.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_HOST_MEMORY_H
#define K_HOST_MEMORY_H
#include "kernels/kernels.h"

#include <unistd.h>

/* Pages that are unused now, and all; both 0 where the system does not say. */
static inline int k_host_memory(size_t *unused, size_t *all)
{
    const long size = sysconf(_SC_PAGESIZE), free_pages = sysconf(_SC_AVPHYS_PAGES),
               pages = sysconf(_SC_PHYS_PAGES);
    const bool is_known = size > 0 && free_pages >= 0 && pages > 0;
    *unused = is_known ? (size_t)free_pages * (size_t)size : 0;
    *all = is_known ? (size_t)pages * (size_t)size : 0;
    return K_OK;
}
#endif
