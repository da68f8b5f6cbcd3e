/* assay/plugin.h -- the ABI between the assay host and a reward verifier.
 * SPDX-License-Identifier: MIT.  This one file is all a plugin needs: nothing to link, C11 or C++11.
 *
 * Rules that hold everywhere:
 *  1. Text is UTF-8 in assay_str; data[len] == 0 always, and bytes before it may be 0 too.
 *  2. Bytes leave a plugin only through call->emit(), which copies. Neither side frees the other's memory.
 *  3. Every struct but assay_str starts with its size as compiled (assay_entry: after the magic and version).
 *     Fields are only ever appended; zero means "as before".
 *  4. [any] = any thread, concurrently.  [own] = one thread at a time per verifier.
 *  5. A plugin does not fork, exec, chdir, setlocale, touch signals, or write to descriptors 0-2. */
#ifndef ASSAY_PLUGIN_H
#define ASSAY_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#if defined(__GNUC__)
#define ASSAY_EXPORT __attribute__((visibility("default")))
#else
#define ASSAY_EXPORT
#endif
#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_MAGIC 0x59415341u /* "ASAY" */
#define ASSAY_ABI_MAJOR 1u      /* differs from the host's: refused */
#define ASSAY_ABI_MINOR 0u      /* for messages only: sizes and extension ids decide */

typedef int32_t assay_status; /* of a whole call; items already filled in stay valid */
enum { ASSAY_OK = 0, ASSAY_E_FAIL = -1, ASSAY_E_NOMEM = -2, ASSAY_E_ARG = -3, ASSAY_E_CONFIG = -4,
       ASSAY_E_UNSUPPORTED = -5, ASSAY_E_CANCELLED = -6, ASSAY_E_IO = -7 };

typedef uint8_t assay_verdict; /* of one item */
enum { ASSAY_UNSET = 0,     /* the host's pre-fill; left so, it counts as ERROR */
       ASSAY_PASS = 1, ASSAY_FAIL = 2,
       ASSAY_NO_ANSWER = 3, /* nothing to judge in the completion: the model's failure */
       ASSAY_TIMEOUT = 4,   /* the model's program overran its limit: the model's failure */
       ASSAY_ABSTAIN = 5,   /* cannot tell (bad reference, unsupported form): masked from the loss */
       ASSAY_ERROR = 6 };   /* our failure (sandbox, network): masked and retried, never a reward */

typedef struct assay_str { const char *data; size_t len; } assay_str; /* data NULL: absent */
typedef struct assay_error { uint32_t size; int32_t code; char text[248]; } assay_error; /* caller's */
typedef struct assay_host assay_host;
typedef struct assay_call assay_call;
typedef struct assay_verifier assay_verifier;
typedef struct assay_descriptor assay_descriptor;

typedef struct assay_batch { /* columns, not rows: a row inside an array could never grow */
    uint32_t size, n;
    const assay_str *prompt, *completion, *reference; /* n each */
    const assay_str *meta;                            /* one JSON object per item */
    const uint64_t *group;                            /* equal: answers to the same prompt; ascending */
    const uint64_t *seed;                             /* the only randomness a verifier may use */
} assay_batch;

typedef struct assay_scores { /* the host's columns, n each; a NULL column is not wanted */
    uint32_t size, n;
    float *score; /* inside the descriptor's range; NaN for ABSTAIN and ERROR */
    assay_verdict *verdict;
} assay_scores;

/* Channels of emit(). A second emit to the same item and channel replaces the first; only OUT_TASK may repeat. */
enum { ASSAY_OUT_EXPLAIN = 0,   /* for people: how the verdict came about */
       ASSAY_OUT_KEY = 1,       /* canonical answer: equal bytes, same answer */
       ASSAY_OUT_PROMPT = 2, ASSAY_OUT_TASK = 3, ASSAY_OUT_REFERENCE = 4,
       ASSAY_OUT_ANSWER = 5,    /* the answer as text; acceptable as a reference (TTRL's label) */
       ASSAY_OUT_RULE = 6,      /* one word of the plugin's fixed list: what decided */
       ASSAY_OUT_REASON = 7,    /* for anything but PASS: a taxonomy word or one sentence */
       ASSAY_OUT_METRICS = 8,   /* JSON object, name -> finite number; "chance": probability of a blind guess */
       ASSAY_OUT_DETAIL = 9,    /* JSON array, one object per test */
       ASSAY_OUT_SPANS = 10 };  /* packed {uint32_t end_byte; float reward}, ascending: rewards inside the completion */
/* assay_call.flags. WANT_ANSWER: score() also emits OUT_KEY and OUT_ANSWER, as extract() would. */
enum { ASSAY_WANT_EXPLAIN = 1u << 0, ASSAY_WANT_ANSWER = 1u << 1, ASSAY_WANT_DETAIL = 1u << 2 };

struct assay_call { /* valid during one call; never kept */
    uint32_t size, flags;
    void *data;
    int64_t deadline_ns;                        /* CLOCK_MONOTONIC; 0: none */
    int32_t (*cancelled)(const assay_call *);   /* [any] poll every few ms of work; deadline included */
    assay_status (*emit)(const assay_call *, uint32_t item, uint32_t channel, assay_str); /* [any] copies */
};

enum { ASSAY_LOG_DEBUG, ASSAY_LOG_INFO, ASSAY_LOG_WARN, ASSAY_LOG_ERROR };
struct assay_host { /* outlives every verifier created with it */
    uint32_t size, abi_minor;
    void *data;
    const char *name, *version;
    void (*log)(const assay_host *, int32_t level, const char *line); /* [any] */
    const void *(*service)(const assay_host *, const char *id);       /* [any] NULL: not offered */
};

struct assay_verifier {
    uint32_t size, flags;
    void *data;
    void (*destroy)(assay_verifier *);                          /* [own] the last call */
    assay_status (*score)(assay_verifier *, const assay_call *, const assay_batch *, assay_scores *,
                          assay_error *);                       /* [own], or [any] with F_REENTRANT */
    const void *(*extension)(const assay_verifier *, const char *id); /* [any]; the pointer may be NULL */
    float score_min, score_max;                                 /* of this instance; both 0: the descriptor's */
};

enum { /* assay_descriptor.flags */
       ASSAY_F_DETERMINISTIC = 1u << 0,   /* same prompt, completion, reference, meta, config, revision: same
                                            * result, in any batch and whatever the seed */
       ASSAY_F_REENTRANT = 1u << 1,       /* score() may run concurrently on one verifier */
       ASSAY_F_PROCESS_GLOBAL = 1u << 2,  /* global state: one verifier per process (a worker) */
       ASSAY_F_NEEDS_GROUP = 1u << 3,     /* all items of a group must be in one batch */
       ASSAY_F_NEEDS_REFERENCE = 1u << 4, ASSAY_F_USES_SANDBOX = 1u << 5, ASSAY_F_USES_NETWORK = 1u << 6,
       ASSAY_F_BLOCKS = 1u << 7 };        /* waits more than it computes: give it its own threads */

struct assay_descriptor { /* constant, readable without running code */
    uint32_t size, flags;
    const char *id;       /* "org.example.math": never changes meaning */
    const char *name, *version, *license, *summary, *url;
    const char *const *tags;   /* NULL-terminated */
    const char *config_schema; /* JSON Schema of the config object, or NULL: takes none */
    uint32_t revision;         /* raised whenever any score may change: the cache and run-log key */
    uint32_t cost_us;          /* typical CPU per item, 0 unknown */
    float score_min, score_max;
    assay_status (*create)(const assay_descriptor *, const assay_host *, assay_str config_json,
                           assay_verifier **out, assay_error *); /* [any]; rejects unknown keys */
};

typedef struct assay_entry {
    uint32_t magic, abi_major, abi_minor, size;
    const assay_descriptor *const *verifiers; /* NULL-terminated */
} assay_entry;
ASSAY_EXPORT extern const assay_entry assay_plugin_entry; /* the one exported symbol */

/* ---- extensions a verifier may offer: "name/revision"; an id never changes once released ---- */
#define ASSAY_EXT_ANSWER "assay.answer/1" /* makes any verifier vote: TTRL, maj@k */
typedef struct assay_ext_answer {
    uint32_t size, flags;
    /* emit OUT_KEY per item: canonical bytes, equal keys are the same answer; none emitted: no vote */
    assay_status (*extract)(assay_verifier *, const assay_call *, const assay_batch *, assay_error *);
    /* [own] 1 same, 0 not, < 0 error; symmetric; NULL: equality of bytes is the whole truth */
    int32_t (*same)(assay_verifier *, const assay_call *, assay_str, assay_str);
} assay_ext_answer;

#define ASSAY_EXT_TASKS "assay.tasks/1" /* self-play: the host owns buffers, rewards and curriculum */
typedef struct assay_ext_tasks {
    uint32_t size, flags;
    const char *const *kinds;      /* NULL-terminated: "deduction", "abduction", "induction", ... */
    const char *const *seeds;      /* NULL-terminated canonical task JSON a run starts from (the identity triplet) */
    const char *const *from_kinds; /* one per kind: the kind its reference examples are drawn from; NULL: its own */
    /* meta {kind, examples[]} -> OUT_PROMPT for the proposer */
    assay_status (*propose)(assay_verifier *, const assay_call *, const assay_batch *, assay_error *);
    /* The proposer's completion, meta {kind} -> verdict: NO_ANSWER format broken, FAIL invalid (OUT_REASON), PASS valid:
     * OUT_TASK {kind, task} once per kind it feeds, OUT_METRICS (complexity, ...). */
    assay_status (*validate)(assay_verifier *, const assay_call *, const assay_batch *, assay_scores *,
                             assay_error *);
    /* meta {kind, task} -> OUT_PROMPT and OUT_REFERENCE for the solver, whom score() then judges; what the solver must
     * not see (the hidden half of an induction task) goes into OUT_REFERENCE alone. */
    assay_status (*pose)(assay_verifier *, const assay_call *, const assay_batch *, assay_error *);
} assay_ext_tasks;

/* ---- services a host may offer ---- */
#define ASSAY_SVC_SANDBOX "assay.sandbox/1"
typedef struct assay_run { /* one untrusted program; there is no field for expected outputs, by design */
    uint32_t size, n_calls;
    const char *language, *policy, *prelude; /* names, see assay-sandbox(7); NULL: the default */
    assay_str source;                        /* the program */
    assay_str tester;                        /* optional second program, in its own process, calling the first by RPC */
    const char *entry_point;                 /* with calls: the function to call, or NULL: run as a script on `input` */
    const assay_str *calls;                  /* n_calls argument lists in the typed encoding */
    const assay_str *file_name, *file_data;
    uint32_t n_files, cpu_ms, wall_ms, mem_mib, out_kib, max_procs;
    assay_str input;
    /* out, the host's, valid until the call ends */
    int32_t status; /* one list of words for the library, the command line and the plugins: ok runtime_error compile_error
                       tle_cpu tle_wall mle ole pids_limit sandbox_violation no_result sandbox_error */
    int32_t exit_code, signal, denied_syscall;
    uint64_t cpu_us, wall_us, peak_kib;
    const assay_str *values;    /* n_calls results in the typed encoding; absent where the call did not return */
    const int32_t *call_status; /* n_calls, words as above */
    assay_str output, errors;
} assay_run;
typedef struct assay_svc_sandbox {
    uint32_t size, flags;
    assay_status (*run)(const assay_host *, const assay_call *, assay_run *const *jobs, uint32_t n, assay_error *); /* [any] */
} assay_svc_sandbox;

#define ASSAY_NO_VOTE UINT32_MAX
#define ASSAY_VOTE_ERROR (UINT32_MAX - 1u)
#define ASSAY_SVC_VERIFIERS "assay.verifiers/1" /* parts opened by the host, so isolation, cache and run record see them */
typedef struct assay_svc_verifiers {
    uint32_t size, flags;
    /* in create() only; cycles are refused */
    assay_status (*open)(const assay_host *, assay_str name_and_config, uint32_t *part, assay_error *);
    assay_status (*score)(const assay_host *, const assay_call *, uint32_t part, const assay_batch *, assay_scores *,
                          assay_error *);
    /* class_of[i]: equal numbers within a group are the same answer; ASSAY_NO_VOTE: no answer; ASSAY_VOTE_ERROR: the
     * part failed on the item, which is therefore neither a vote nor a blank */
    assay_status (*classes)(const assay_host *, const assay_call *, uint32_t part, const assay_batch *,
                            uint32_t *class_of, assay_error *);
    /* the part's assay.answer/1: its OUT_KEY and OUT_ANSWER are emitted to this call, so that a verifier made of others
     * can vote and name its label; ASSAY_E_UNSUPPORTED where the part offers none */
    assay_status (*extract)(const assay_host *, const assay_call *, uint32_t part, const assay_batch *, assay_error *);
    int32_t (*same)(const assay_host *, const assay_call *, uint32_t part, assay_str, assay_str);
} assay_svc_verifiers;

#define ASSAY_SVC_MODEL "assay.model/1" /* reward models and judges: only the host loads weights */
typedef struct assay_svc_model {
    uint32_t size, flags;
    assay_status (*open)(const assay_host *, assay_str folder, uint32_t *model, assay_error *); /* in create() only */
    assay_status (*reward)(const assay_host *, const assay_call *, uint32_t model, const assay_batch *, float *out,
                           assay_error *);
    assay_status (*logp)(const assay_host *, const assay_call *, uint32_t model, const assay_batch *, double *sum_logp,
                         uint32_t *n_tokens, assay_error *);
} assay_svc_model; /* likewise to come: assay.tokenizer/1 assay.generate/1 assay.parallel/1 assay.http/1 */

#ifdef __cplusplus
}
#endif
#endif
