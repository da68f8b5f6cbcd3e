/* err.h -- one error type for everything inside the host: what happened, where, what to do.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_ERR_H
#define AS_BASE_ERR_H

/* The single list of error codes: name, value, exit status of the command line, sentence.
 * --help, the man pages' EXIT STATUS and as_exit_status() all come from it. */
#define AS_ERROR_TABLE(X)                                                                          \
    X(AS_OK, 0, 0, "done")                                                                         \
    X(AS_EGATE, -1, 1, "done, but a gate that was asked for did not hold")                         \
    X(AS_EUSAGE, -2, 2, "usage or configuration error")                                            \
    X(AS_EDATA, -3, 3, "bad input data")                                                           \
    X(AS_ESANDBOX, -4, 4, "the sandbox refuses to run on this system")                             \
    X(AS_EPLUGIN, -5, 5, "plugin error")                                                           \
    X(AS_EREMOTE, -6, 6, "remote endpoint error")                                                  \
    X(AS_EBUDGET, -7, 7, "a budget, deadline, memory or disk limit was reached; partial result kept") \
    X(AS_EINTR, -8, 130, "interrupted; state saved")                                               \
    X(AS_ENOMEM, -9, 7, "out of memory; partial result kept")                                      \
    X(AS_EIO, -10, 3, "a file could not be read or written")                                       \
    X(AS_ETERM, -11, 143, "terminated; state saved")

enum {
#define AS_X(name, value, exit_status, sentence) name = (value),
    AS_ERROR_TABLE(AS_X)
#undef AS_X
};

/* Caller's, zero-initialised; the first error wins, so clean-up code may fail without hiding it. */
typedef struct as_err {
    int code;
    char text[500];
} as_err;

/* Records the error (err may be NULL) and returns code, so that `return as_fail(...)` reads well.
 * Text: one line, what, which, cure; no trailing newline or full stop. Long texts are cut. */
int as_fail(as_err *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the recorded text. Does nothing where there is no error. */
void as_err_prefix(as_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* From errno: ENOSPC, EDQUOT, EFBIG -> AS_EBUDGET, ENOMEM -> AS_ENOMEM, else AS_EIO; text "WHAT: strerror". */
int as_fail_errno(as_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
#ifdef __clang_analyzer__ /* it cannot see that these never return 0, and follows paths that do not exist */
#define as_fail(err, code, ...) ((void)(as_fail)(err, code, __VA_ARGS__), (code))
#define as_fail_errno(err, ...) ((void)(as_fail_errno)(err, __VA_ARGS__), (int)AS_EIO)
#endif

int as_exit_status(int code);            /* for any code, unknown ones give 2 */
const char *as_err_sentence(int code);   /* static text */
#endif
