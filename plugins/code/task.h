/* task.h -- what a reference asks of a program: tests read from JSON into one form (README.md has
 * the schema). Texts end with a NUL and live as long as the task. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef CODE_TASK_H
#define CODE_TASK_H
#include "python.h"
#include "value.h"

typedef enum cd_kind {
    CD_CALLS,   /* entry_point(*args) == value */
    CD_STDIO,   /* a program that reads stdin and writes stdout */
    CD_ASSERTS, /* assert statements, taken apart (asserts.h) */
    CD_CHECK    /* a whole test program, in a process of its own */
} cd_kind;
typedef enum cd_compare { CD_EXACT, CD_TOKENS, CD_FLOAT, CD_DECIMAL } cd_compare;
typedef enum cd_oracle {
    CD_EQUAL,
    CD_SET_EQUAL, /* the same elements, whatever order and container */
    CD_NOT_NONE,  /* True stands for anything but None, False for None */
    CD_ANY,       /* any value will do: the call must return */
    CD_ROOT       /* a zero of the polynomial whose coefficients are the first argument */
} cd_oracle;

/* One assert statement. */
typedef struct cd_assertion {
    assay_str source;  /* the condition, as written */
    assay_str judge;   /* the condition with _assay_h0, _assay_h1 ... for its calls; data NULL:
                          equality, compared here */
    assay_str wanted;  /* of equality: the other side, as written; its value is the call's `want` */
    uint32_t first, n; /* its calls among the task's */
    bool whole; /* it cannot be taken apart, or a part of it has no value: the tester runs it as it
                   stands */
} cd_assertion;

enum { CD_TESTS_MAX = 100000 };

typedef struct cd_task {
    cd_pool pool;
    cd_kind kind;
    const char *why;      /* the reference is none: what is wrong with it; else NULL */
    const char *language; /* "python", "c", "cpp", or one that people added to the sandbox */
    const char *entry;    /* NULL: none was named */
    assay_str setup;      /* of tests: code that runs before them, never with the solution */
    assay_str prefix;     /* of solutions: what the model was given to go on from */
    assay_str check;      /* CD_CHECK: the test program */
    assay_str checker;    /* CD_STDIO: defines check(input, output, expected) */
    uint32_t n;           /* calls, or runs */
    assay_str *input;     /* n: argument tuples, or stdin. Data NULL: not known before the tests are
                             prepared */
    assay_str *written;   /* CD_ASSERTS: the argument lists as written */
    assay_str *want;      /* n: values, or stdout; data NULL: not known */
    assay_str
        *also; /* n: a list of values that will do as well, or data NULL; NULL: none anywhere */
    cd_assertion *assertions; /* n_assertions */
    uint32_t n_assertions;
    cd_compare compare;
    cd_oracle oracle;
    cd_tolerance tolerance;
    uint32_t cpu_ms, mem_mib; /* 0: the configuration's */
    assay_str solution;       /* one that is right: limits are measured with it */
    bool has_wants, is_prepared, is_calibrated;
} cd_task;

/* Reads a reference. Memory that is lost is lost as in common/mem.h; otherwise `why` says what is
 * wrong. */
void cd_task_read(cd_task *t, cd_python *py, assay_str json);
void cd_task_fini(cd_task *t);
/* What a verdict counts: assertions, or calls, or runs. */
uint32_t cd_task_tests(const cd_task *t);

/* asserts.c: from statements to calls. `code` is a module of asserts, or the body of a check
 * function. */
void cd_read_asserts(cd_task *t, cd_python *py, const assay_str *statements, uint32_t n);
/* A test module with check(candidate): as asserts where it consists of them, else CD_CHECK. */
void cd_read_check(cd_task *t, cd_python *py, assay_str module);
#endif
