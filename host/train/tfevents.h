/* tfevents.h -- event files that TensorBoard reads: events.out.tfevents.TIME.HOST.PID.N in a folder, one file for each
 * process that went on with the run. SPDX-License-Identifier: Apache-2.0
 *
 * A record (tensorflow/core/lib/io/record_writer.h): u64 length, u32 masked CRC-32C of those 8 bytes, the data, u32 masked
 * CRC-32C of the data, little-endian; masked: rotated right by 15, plus 0xa282ead8. The data is one message, written by
 * hand as protobuf's own writers do (fields ascending, zeros left out):
 *   Event (tensorflow/core/util/event.proto)  1 wall_time double, 2 step int64, one of: 3 file_version "brain.Event:2",
 *     5 summary, 7 session_log { 1 status: START = 1 }; 10 source_metadata { 1 writer }
 *   Summary (tensorflow/core/framework/summary.proto)  1 value { 1 tag, one of: 2 simple_value float, 8 tensor;
 *     9 metadata { 1 plugin_data { 1 plugin_name }, 4 data_class: TENSOR = 2 } }
 *   TensorProto (tensorflow/core/framework/tensor.proto)  1 dtype: STRING = 7, 2 tensor_shape {}, 8 string_val */
#ifndef AS_TRAIN_TFEVENTS_H
#define AS_TRAIN_TFEVENTS_H
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

typedef struct as_tfevents as_tfevents;
typedef struct as_tfscalar {
    as_str tag; /* UTF-8 */
    float value;
} as_tfscalar;

enum { AS_TFEVENTS_RECORD_MAX = 4 << 20 }; /* bytes of one message; a longer one is AS_EDATA */

/* A new file in `dir`, whose name comes after those of the event files there, since readers take them in that order.
 * wall_time: seconds since 1970. It begins with a START of `first_step`, on which readers forget what earlier files say
 * of that step and later ones. */
int as_tfevents_open(as_tfevents **out, const char *dir, double wall_time, uint64_t first_step, as_err *err);
/* One event each, one write; after an error the file is as before the call. */
int as_tfevents_scalars(as_tfevents *t, double wall_time, uint64_t step, const as_tfscalar *values, size_t n,
                        as_err *err);
int as_tfevents_text(as_tfevents *t, double wall_time, uint64_t step, as_str tag, as_str text, as_err *err);
int as_tfevents_sync(as_tfevents *t, as_err *err);  /* to the disk */
int as_tfevents_close(as_tfevents *t, as_err *err); /* NULL is fine */
const char *as_tfevents_path(const as_tfevents *t);

uint32_t as_crc32c(as_str bytes); /* Castagnoli, RFC 3720 B.4 */
#endif
