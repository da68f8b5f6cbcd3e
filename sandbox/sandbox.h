/* sandbox.h -- runs one untrusted program in about a millisecond, contains it, and says what
 * happened. A library of its own: it depends on libseccomp and the kernel, on nothing else of this
 * project.
 *
 *   caller ---job---> supervisor (this library) ---fds---> zygote (a helper process, isolated once)
 * ---clone---> job
 *
 * The job's text never passes through the zygote's memory, expected outputs never leave the
 * caller's, and a verdict is never an exit code: values come back in a bounded encoding (value.h)
 * and are compared by the caller when the job is dead. docs/SANDBOX.md has the threat model.
 * Threads: everything here may be called from any thread; asbx_run() blocks.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_SANDBOX_H
#define ASBX_SANDBOX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one list of words for what became of a program; library, command line and plugins share it.
 */
#define ASBX_STATUS_LIST(X)                                                                        \
    X(OK, "ok", "it ran to its end")                                                               \
    X(WRONG_ANSWER, "wrong_answer", "it ran, and what it gave is not what was asked")              \
    X(RUNTIME_ERROR, "runtime_error", "it raised, crashed or ended with an error")                 \
    X(COMPILE_ERROR, "compile_error", "it is no program of its language")                          \
    X(TLE_CPU, "tle_cpu", "it used up its processor time")                                         \
    X(TLE_WALL, "tle_wall", "it was still there when its time on the clock was over")              \
    X(MLE, "mle", "it wanted more memory than it may have")                                        \
    X(OLE, "ole", "it wrote more than it may")                                                     \
    X(PIDS_LIMIT, "pids_limit", "it wanted more processes or threads than it may have")            \
    X(VIOLATION, "sandbox_violation", "it tried what no solution needs; the system call is named") \
    X(NO_RESULT, "no_result", "it ended without giving a result")                                  \
    X(FLAKY, "flaky", "it gave different results when it was run again")                           \
    X(ERROR, "sandbox_error", "the sandbox failed; this says nothing about the program")
typedef enum asbx_status {
#define X(name, word, sentence) ASBX_##name,
    ASBX_STATUS_LIST(X)
#undef X
        ASBX_STATUSES
} asbx_status;
const char *asbx_status_word(asbx_status s);     /* "tle_cpu" */
const char *asbx_status_sentence(asbx_status s); /* for people */

typedef struct asbx_text { /* bytes, any */
    const char *data;
    size_t len;
} asbx_text;

typedef struct asbx_error {
    char text[256]; /* what failed, where, what to do */
} asbx_error;

/* ---- a job ---- */

typedef struct asbx_limits { /* 0: the policy's */
    uint32_t cpu_ms, wall_ms;
    uint32_t mem_mib;
    uint32_t out_kib;  /* of stdout, of stderr and of the results, each */
    uint32_t file_kib; /* of one file; of all of them together where the policy has a disk */
    uint32_t procs;
} asbx_limits;

typedef struct asbx_file {
    asbx_text name, data; /* a plain name: no '/', not "." or ".." */
} asbx_file;

typedef struct asbx_job {
    const char *language; /* "python", "c", "cpp", "exec", or one of asbx_options.languages */
    const char *policy;   /* "pure", "threads", "compile", "files"; NULL: pure, or for a language
                             with an interpreter: files */
    const char *prelude;  /* of the language; NULL: its standard one */
    asbx_text source;
    asbx_text input;         /* stdin */
    const char *entry_point; /* with calls: the function they call; NULL: a script */
    size_t entry_len; /* 0: to its NUL; language "exec": the command's words, each ended by a NUL */
    const asbx_text *calls; /* n_calls argument lists, each a tuple in value.h's encoding */
    uint32_t n_calls;
    const asbx_file *files; /* policy "files" or "compile" only */
    uint32_t n_files;
    asbx_limits limits;
    uint64_t seed; /* of its random numbers and its hash function, where it has them */

    /* A second program, trusted, in a job of its own: the test. Expected values are in it and
     * nowhere else. Python only; with entry_point, without calls. Under the entry point's name (and
     * under "candidate") it finds a function that calls the source's in the other job and returns
     * what came back: builtin types; of any other type an object that equals itself alone. Changes
     * to arguments come back too, and so do exceptions, as the builtin type they derive from.
     * Arguments must be of builtin types. It shares policy, prelude and limits with the job. */
    asbx_text tester;
    const char *tester_call; /* the tester's function that is given the candidate ("check");
                                NULL: the tester passes by running to its end */
} asbx_job;

typedef struct asbx_value {
    asbx_status status; /* of this call: ok, runtime_error, no_result, and what ended the job */
    asbx_text value;    /* value.h's encoding; absent unless ok */
    asbx_text error;    /* "ValueError: ..." */
} asbx_value;

typedef struct asbx_result { /* free with asbx_result_free() */
    asbx_status status;      /* of the whole job */
    int32_t exit_code, signal;
    int32_t denied_syscall; /* with VIOLATION: its number; else -1 */
    char denied_name[32];
    uint64_t cpu_us, wall_us, peak_kib;
    asbx_text output, errors; /* what it wrote, cut at the cap */
    asbx_value *values;       /* n_calls */
    uint32_t n_values;
    /* With a tester; the fields above are then those of the source's job. Status: ok: it passed;
     * wrong_answer: an assertion failed, or the test could not use what it was given;
     * runtime_error: the source raised, and the test did not expect that; what ended the source's
     * job, or the tester's time and memory (note says which); sandbox_error: the test program is no
     * test (it does not compile, calls nothing, or passes what has no encoding). */
    asbx_text tester_error; /* what the tester ended with: "AssertionError: ..." */
    uint32_t tester_line;   /* of the tester, the innermost one; 0: none is known */
    uint32_t tester_calls;  /* calls that were answered */
    char note[160];         /* a sentence where there is more to say */
    void *memory[4];        /* ours: what the texts lie in */
} asbx_result;

/* ---- languages ---- */

/* How a program's text becomes a job. Words: each ended by a NUL, the first an absolute path below
 * /usr. */
typedef struct asbx_language {
    const char *name;  /* "perl" */
    const char *file;  /* what the source is called: "main.pl"; a plain name */
    asbx_text compile; /* the words of a compiler that leaves a.out; absent: nothing is compiled */
    asbx_text run;     /* the words of an interpreter (a binary, no script) of `file`, or of a.out
                          where something is compiled; absent: a.out is the program */
} asbx_language;

/* ---- the sandbox ---- */

typedef struct asbx asbx;
typedef struct asbx_options {
    uint32_t slots; /* zygotes of one kind, and so jobs at once; 0: the number of processors */
    uint32_t jobs_per_zygote; /* then it is replaced by a fresh one; 0: 1,000 */
    const char *helper_dir; /* where assay-box and the Python module are; NULL: beside this program,
                               then libexecdir */
    const char *python;     /* NULL: /usr/bin/python3 */
    const asbx_language
        *languages; /* beside "python", "exec" and the built-in "c" and "cpp", which
                       one of that name replaces; the caller's, until asbx_close() */
    uint32_t n_languages;
    const char *require; /* "strong", "medium" or "weak": refuse to run with less; NULL: medium */
} asbx_options;

/* NULL and a sentence in err: the level asked for cannot be had (with the cure), or there is no
 * helper. Tries the layers first, as asbx_check() does; helpers that run jobs are started when they
 * are first needed. */
asbx *asbx_open(const asbx_options *options, asbx_error *err);
void asbx_close(asbx *s); /* kills what still runs; NULL is fine */

/* Runs one job to its end. NULL only for want of memory; a failure of the sandbox is a result with
 * status ASBX_ERROR. */
asbx_result *asbx_run(asbx *s, const asbx_job *job);
void asbx_result_free(asbx_result *r);

/* ---- what is enforced ---- */

typedef enum asbx_layer_state {
    ASBX_LAYER_OFF,
    ASBX_LAYER_DEGRADED,
    ASBX_LAYER_ON
} asbx_layer_state;
typedef struct asbx_layer {
    const char *name;     /* "user namespace", "seccomp", ... */
    const char *protects; /* what it is there for */
    asbx_layer_state state;
    char found[160]; /* what was tried and what happened */
    char cure[200];  /* what to do; empty where nothing is to be done */
} asbx_layer;
enum { ASBX_LAYERS = 16 };
/* Tries to break each layer, in children. The number of layers; *level: "strong", "medium", "weak",
 * "none". */
uint32_t asbx_check(asbx_layer out[ASBX_LAYERS], const char **level);
/* Tries them with the helper in that folder. False, and in err the layer that is missing with its
 * cure: the level is below `require` here. */
bool asbx_require(const char *helper_dir, const char *require, asbx_error *err);
#endif
