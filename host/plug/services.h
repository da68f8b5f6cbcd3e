/* services.h -- what the host offers to verifiers: assay.verifiers/1, with every part a scorer of its own, so that
 * isolation, cache and run record see the whole graph; and assay.sandbox/1 (sandboxed.h).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_SERVICES_H
#define AS_PLUG_SERVICES_H
#include "plug/scorer.h"

typedef struct as_services as_services;
enum { AS_PARTS_DEPTH = 8 }; /* deeper nesting is refused: that is what a cycle looks like */
int as_services_new(as_services **out, as_registry *registry, const as_scorer_options *options, as_err *err);
void as_services_free(as_services *s);
/* The same text gives the same part, so the seats of one scorer share it. During create() only. */
int as_services_open(as_services *s, as_str name_and_config, uint32_t *part, as_err *err);
as_scorer *as_services_part(as_services *s, uint32_t part); /* NULL: no such part */
/* The assay_host handed to a verifier in this process; lives as long as `s`. */
const assay_host *as_services_host(as_services *s);
/* Marks this thread as being inside create() of a verifier served by `s` (NULL: of none), the only time parts may be
 * opened; returns what was marked before, to be put back: creates nest, as opening a part creates it. */
as_services *as_services_creating(as_services *s);
void as_services_label(as_services *s, const char *name); /* put in front of the verifier's log lines; copied */
/* What assay.verifiers/1 calls classes(): class_of[i] is a class number within i's group, UINT32_MAX: no vote. */
int as_services_classes(as_services *s, uint32_t part, const as_items *items, uint32_t *class_of, as_arena *arena,
                        as_err *err);
/* One more service, of rooms this one does not know (assay.model/1), for verifiers in this process: `service` is found by
 * `id` from now on. Both live as long as the process. Before any verifier is opened, by one thread. */
void as_services_offer(const char *id, const void *service);
/* Whether this thread is inside create() of the verifier that was given this host. */
bool as_services_is_creating(const assay_host *host);
/* What a service's failure is to the verifier that called it; the text into *e where there is one. */
assay_status as_services_error(assay_error *e, const as_err *err);
/* Holds the sandbox from here on, as long as `s` lives: AS_ESANDBOX where this system cannot give it. [any] */
int as_services_hold_sandbox(as_services *s, as_err *err);
/* From the ABI's columns to the host's (texts borrowed) -- for calls that come back from plugins and workers. */
int as_items_of_batch(as_items *out, const assay_batch *b, as_arena *arena, as_err *err);
#endif
