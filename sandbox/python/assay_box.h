/* assay_box.h -- Python values in and out of value.h's encoding. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef ASSAY_BOX_H
#define ASSAY_BOX_H
#include "../value.h"
#include "../zygote.h"

typedef struct box_buffer {
    char *data;
    size_t len, cap, most;
    bool
        over; /* more than `most`, or no memory: what does not fit is encoded as an unknown value */
    bool unknown; /* something in it has a type that has no encoding */
} box_buffer;
void box_buffer_fini(box_buffer *b);

bool box_values_init(void); /* in the zygote */
void box_encode(box_buffer *out, PyObject *value); /* always a valid value */
/* What stands for a value of another type: a new object, or NULL. */
typedef PyObject *box_unknown(const char *name, size_t len);
/* A new object; NULL: malformed, or out of memory. `unknown` may be NULL: then there must be none.
 */
PyObject *box_decode(asbx_text text, box_unknown *unknown);

/* ---- what the ways to run a program share (assay_box.c) ---- */

/* An exception, taken from the interpreter: no error is set any more. */
typedef struct box_caught {
    PyObject *type, *value, *trace;
} box_caught;
box_caught box_catch(void);
void box_release(box_caught *c);
void box_record_caught(asbx_record_kind kind, uint32_t index, const box_caught *c);
void box_record_exception(asbx_record_kind kind, uint32_t index);

PyObject *box_builtins(void);                                 /* the zygote's, before any job */
PyObject *box_globals(const char *name);                      /* of a fresh module; borrowed */
PyObject *box_compile(asbx_text source, const char *name);    /* as `python NAME` compiles it */
PyObject *box_find_entry(PyObject *globals, asbx_text entry); /* "f" or "Solution.f"; or NULL */
void box_flush(void);
__attribute__((noreturn)) void box_end(int status);

/* ---- the two sides of a test (remote.c) ---- */

bool box_remote_init(void); /* in the zygote */
__attribute__((noreturn)) void box_run_tester(zygote_text *text, const asbx_order *order);
__attribute__((noreturn)) void box_serve_calls(PyObject *globals, asbx_text entry,
                                               const asbx_order *order);
#endif
