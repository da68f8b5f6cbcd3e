/* device.h -- where a model is computed: the processor, or a GPU by the library of its kernels; and what memory there is.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_DEVICE_H
#define AS_CLI_DEVICE_H
#include "cli/common.h"
#include "data/run_record.h"
#include "model/plan.h"

/* What --device and a configuration's "device" may say. */
#define AS_DEVICES "cpu|naive|cuda|cuda-exact"

/* cuda: libassay_cuda.so, from where ASSAY_CUDA_LIBRARY says (not under AT_SECURE), beside the executable, or where libraries of
 * ours are installed; opened once. AS_EUSAGE: it is not to be had, has no device here, or the device does not open.
 * by_vectors: see k_options. What cuBLASLt's algorithms were found to be the fastest is kept in as_path_cache_dir; a warning, where it cannot be. */
int as_cli_device_open(k_device **out, const char *device, uint64_t threads, bool by_vectors, as_err *err);

/* "computed_by" of a manifest, for as_run_record_continues: the backend, and where results differ with it, the level. */
int as_cli_record_device(as_run_record *record, const k_device *dev, as_err *err);

/* Whether bf16 weights are computed with in float there (as_parameters_options.wide), or in bf16. */
bool as_cli_is_wide(const char *device);

/* What a plan may take. `limit` bytes are the user's (0: none); else all of the host's memory, or what of a device's nobody has. */
typedef struct as_cli_room {
    size_t bytes;       /* may be taken */
    size_t unused, all; /* of the device's; 0: it is the host's memory, or not known */
} as_cli_room;
as_cli_room as_cli_room_on(k_device *dev, size_t limit);
/* A line with both numbers; nothing for the host's. */
void as_cli_room_say(const as_cli_room *room);
/* AS_EBUDGET where the plan and `beside` bytes have no room: with the numbers, the reason (too small, or others have it), the cure. */
int as_cli_room_check(const as_cli_room *room, const as_plan *plan, size_t beside, const char *cure, as_err *err);
#endif
