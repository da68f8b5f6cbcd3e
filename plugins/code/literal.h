/* literal.h -- values written down in a test: JSON, or Python's own literals. Whatever is no plain
 * literal is not read here: it is a program, and a sandboxed job evaluates it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CODE_LITERAL_H
#define CODE_LITERAL_H
#include "common/text.h"

/* Each appends one value in value.h's encoding. False: nothing useful was appended, and the buffer
 * is as it was. */
bool cd_read_json(pc_buf *out, assay_str text); /* a valid JSON value, or not */
bool cd_read_python(pc_buf *out,
                    assay_str text); /* a literal, white space and comments around it */
#endif
