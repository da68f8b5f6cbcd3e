/* assay_box.h -- Python values in and out of value.h's encoding. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef ASSAY_BOX_H
#define ASSAY_BOX_H
#include "../value.h"

typedef struct box_buffer {
    char *data;
    size_t len, cap, most;
    bool
        over; /* more than `most`, or no memory: what does not fit is encoded as an unknown value */
} box_buffer;
void box_buffer_fini(box_buffer *b);

void box_encode(box_buffer *out, PyObject *value); /* always a valid value */
PyObject *box_decode(asbx_text text); /* a new object; NULL: malformed, or out of memory */
#endif
