/* good.h -- a verifier without sin, for the others to fall from: a file here defines one hook and
 * includes this. It passes where completion and reference are the same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <assay/plugin.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef SIN_FLAGS
#define SIN_FLAGS (ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT)
#endif
#ifndef SIN_ON_CREATE
#define SIN_ON_CREATE(config)
#endif
#ifndef SIN_ON_CALL
#define SIN_ON_CALL(v, call, b)
#endif
#ifndef SIN_ON_ITEM /* may change verdict and score, or `continue` */
#define SIN_ON_ITEM(call, b, i)
#endif
#ifndef SIN_CANCELLED
#define SIN_CANCELLED(call) (call)->cancelled(call)
#endif
#ifndef SIN_EXTENSION
#define SIN_EXTENSION(id) NULL
#endif
#ifndef SIN_CONFIG /* is this configuration accepted? */
#define SIN_CONFIG(config) is_empty_object(config)
#endif
#ifndef SIN_ID
#define SIN_ID "org.example.bad"
#endif
#ifndef SIN_SCHEMA
#define SIN_SCHEMA NULL
#endif
#ifndef SIN_REVISION
#define SIN_REVISION 1
#endif
#ifndef SIN_SIZE
#define SIN_SIZE sizeof(assay_descriptor)
#endif
#ifndef SIN_REFUSAL
#define SIN_REFUSAL "takes no configuration but {}"
#endif
#ifndef SIN_DESTROY
#define SIN_DESTROY(v) free(v)
#endif
#ifndef SIN_ENTRY
#define SIN_ENTRY ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, sizeof(assay_entry), verifiers
#endif
#ifndef SIN_WRITE /* puts item i's result into the columns that are wanted */
#define SIN_WRITE(out, i, verdict, value)                                                          \
    do {                                                                                           \
        if ((out)->verdict)                                                                        \
            (out)->verdict[i] = (verdict);                                                         \
        if ((out)->score)                                                                          \
            (out)->score[i] = (value);                                                             \
    } while (0)
#endif

static inline int is_empty_object(assay_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] != ' ' && s.data[i] != (n ? '}' : '{'))
            return 0;
        else
            n += s.data[i] != ' ';
    return n == 2;
}

static inline int bytes_equal(assay_str a, assay_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static assay_status sin_score(assay_verifier *v, const assay_call *call, const assay_batch *b,
                              assay_scores *out, assay_error *err)
{
    (void)v;
    (void)err;
    (void)call;
    SIN_ON_CALL(v, call, b);
    for (uint32_t i = 0; i < b->n; i++) {
        assay_verdict verdict =
            bytes_equal(b->completion[i], b->reference[i]) ? ASSAY_PASS : ASSAY_FAIL;
        float value = verdict == ASSAY_PASS ? 1.0f : 0.0f;
        if (i % 16 == 0 && SIN_CANCELLED(call))
            return ASSAY_E_CANCELLED;
        SIN_ON_ITEM(call, b, i);
        SIN_WRITE(out, i, verdict, value);
    }
    return ASSAY_OK;
}

static const void *sin_extension(const assay_verifier *v, const char *id)
{
    (void)v;
    (void)id;
    return SIN_EXTENSION(id);
}

static void sin_destroy(assay_verifier *v)
{
    SIN_DESTROY(v);
}

static assay_status sin_create(const assay_descriptor *d, const assay_host *host, assay_str config,
                               assay_verifier **out, assay_error *err)
{
    static const char text[] = SIN_REFUSAL;
    (void)d;
    (void)host;
    if (!SIN_CONFIG(config)) {
        memcpy(err->text, text, sizeof(text));
        return ASSAY_E_CONFIG;
    }
    SIN_ON_CREATE(config);
    assay_verifier *v = calloc(1, sizeof(*v));
    if (!v)
        return ASSAY_E_NOMEM;
    v->size = sizeof(*v);
    v->destroy = sin_destroy;
    v->score = sin_score;
    v->extension = sin_extension;
    *out = v;
    return ASSAY_OK;
}

static const assay_descriptor sin_descriptor = {
    .size = SIN_SIZE,
    .flags = SIN_FLAGS,
    .id = SIN_ID,
    .name = "Bad",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "has one sin",
    .config_schema = SIN_SCHEMA,
    .revision = SIN_REVISION,
    .cost_us = 1,
    .score_min = 0,
    .score_max = 1,
    .create = sin_create,
};
static const assay_descriptor *const verifiers[] = { &sin_descriptor, NULL };
#ifndef SIN_NO_ENTRY
const assay_entry assay_plugin_entry = { SIN_ENTRY };
#endif
