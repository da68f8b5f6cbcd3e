/* file.h -- whole small files. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_FILE_H
#define AS_BASE_FILE_H
#include "base/buf.h"
int as_file_read(const char *path, as_buf *out, as_err *err);             /* up to out->max bytes */
int as_file_write_atomic(const char *path, as_str bytes, as_err *err);    /* temporary file, fsync, rename */
int as_write_all(int fd, as_str bytes, as_err *err);                      /* EINTR and short writes handled */
#endif
