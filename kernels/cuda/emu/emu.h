/* emu.h -- the emulation of CUDA on the CPU as its users steer it: what is checked, in which order
 * threads run, what was found.
 *
 * Plain C, so that tests are C. Nothing here is for kernels: they include ../device.h.
 * [one thread launches at a time; the settings are read at each launch]
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_EMU_H
#define K_EMU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum emu_kind {
    EMU_RACE,    /* two threads touch a byte, one of them writes, and nothing orders them */
    EMU_UNINIT,  /* a read of memory that nobody wrote */
    EMU_OOB,     /* an access outside every allocation, or an array index out of range */
    EMU_DIVERGE, /* threads of a block wait at different barriers, or some never come */
    EMU_WARP,    /* lanes of one mask meet in different collectives, or a shuffle reads a lane that
                    takes no part */
    EMU_ASYNC,   /* shared memory touched while a cp.async into it is in flight */
    EMU_HOST,    /* a kernel touches memory of the host, or a wild address */
    EMU_ALIGN,   /* an address that is no multiple of the access's size */
    EMU_LAUNCH,  /* a launch that the device would refuse */
    EMU_HANG,    /* a block with more memory accesses than max_accesses */
    EMU_N_KINDS
} emu_kind;

typedef struct emu_settings {
    int os_threads; /* threads of the host that run blocks; races between blocks are looked for with
                       1 only */
    uint64_t
        seed; /* 0: threads and blocks in order of their number; else in an order drawn from it */
    int preempt; /* a thread also yields at about every n-th memory access; 0: at collectives only
                  */
    int is_strict_exit;  /* threads that return while others wait at a barrier are reported */
    int has_block_races; /* blocks of one launch are unordered: their conflicts on global memory are
                            races */
    int has_host_pointers; /* a kernel may touch device memory only */
    int is_printing;       /* reports go to stderr */
    uint64_t max_accesses; /* of one block */
} emu_settings;

extern emu_settings emu_set; /* 1 thread, seed 0, everything checked and printed */

/* What the machine is like, so that a test can have another. */
typedef struct emu_machine {
    int n_devices; /* of which 2 can be used */
    int driver,
        runtime;      /* CUDA's version that each is of: 13000 is 13.0; driver 0: there is none */
    int major, minor; /* the devices' compute capability */
    size_t memory;    /* bytes they have, together; read while nothing is allocated */
    size_t taken;     /* of them, by other processes */
    size_t pinned;    /* bytes of the host that may be pinned */
    int refusal;      /* the cudaError that a stream's creation ends with; 0: it works */
    int failure;      /* the cudaError that everything ends with from now on, as after a kernel
                         that broke its device; 0: none did */
    int has_cublaslt; /* 2: and it does not open */
    int fastest;      /* of cuBLASLt's algorithms, counted from 1; 0: as cublaslt.cpp has them */
} emu_machine;

extern emu_machine emu_has; /* 2 devices, 13.0, 9.0, 256 MiB, nothing wrong, no cuBLASLt */

/* What was asked of cuBLASLt so far. */
typedef struct emu_cublaslt {
    int n_asked, n_products;
    int n_open;           /* of all it has given out */
    int algorithm;        /* of the last product */
    void (*during)(void); /* called once, in the middle of the next product, and forgotten */
} emu_cublaslt;
extern emu_cublaslt emu_lt;

/* Findings of a kind since the last call of emu_take; the same fault at the same place of the
 * source counts once. */
int emu_count(emu_kind kind);

/* All findings since the last call, which are forgotten; the first one's text in first (size bytes,
 * cut), "" where none. */
int emu_take(char *first, size_t size);

/* "RACE", "UNINIT", ... as reports begin. */
const char *emu_kind_name(emu_kind kind);

#ifdef __cplusplus
}
#endif
#endif
