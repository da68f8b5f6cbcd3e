/* order.c -- see order.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/order.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

int as_order_init(as_order *o, size_t n, const as_order_options *options, as_err *err)
{
    *o = (as_order){ .options = *options, .n = n, .epoch = UINT64_MAX };
    o->shuffled = as_calloc(n, sizeof *o->shuffled);
    o->draws = as_calloc(n, sizeof *o->draws);
    o->success = as_calloc(n, sizeof *o->success);
    if (!o->shuffled || !o->draws || !o->success)
        return as_fail(err, AS_ENOMEM, "no memory for the order of %zu prompts", n);
    for (size_t i = 0; i < n; i++)
        o->success[i] = -1;
    return 0;
}

void as_order_fini(as_order *o)
{
    as_free(o->shuffled);
    as_free(o->draws);
    as_free(o->success);
    *o = (as_order){ 0 };
}

/* By a generator of this epoch alone. */
static void shuffle(as_order *o, uint64_t epoch)
{
    as_rng rng = as_rng_at(o->options.seed, epoch);
    as_rng_order(&rng, o->shuffled, o->n);
    o->epoch = epoch;
}

static double weight_of(const as_order *o, uint32_t prompt)
{
    const double p = (double)o->success[prompt], floor = o->options.floor;
    return p < 0 ? 1 : floor + (1 - floor) * 4 * p * (1 - p);
}

static int by_draw(const void *a, const void *b)
{
    const as_order_draw *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->prompt < y->prompt ? -1 : 1;
}

/* Efraimidis and Spirakis 2006: the `size` least of -log(u) / w are a sample without replacement by
 * weight. Those of weight 0 come last, in an order that is drawn too. */
static void draw_batch(as_order *o, uint64_t batch, size_t size, uint32_t *out)
{
    as_rng rng = as_rng_at(o->options.seed, batch);
    for (uint32_t i = 0; i < o->n; i++) {
        const double u = 1 - as_rng_double(&rng), w = weight_of(o, i);
        o->draws[i] = (as_order_draw){ w > 0 ? -log(u) / w : 1e300 * (2 - u), i };
    }
    qsort(o->draws, o->n, sizeof *o->draws, by_draw);
    for (size_t k = 0; k < size; k++)
        out[k] = o->draws[k].prompt;
}

void as_order_batch(as_order *o, uint64_t batch, size_t size, uint32_t *out)
{
    if (o->options.kind == AS_ORDER_CURRICULUM) {
        draw_batch(o, batch, size, out);
        return;
    }
    const uint64_t per_epoch = o->n / size, epoch = batch / per_epoch;
    const size_t first = (size_t)(batch % per_epoch) * size;
    if (o->options.kind == AS_ORDER_SHUFFLE && o->epoch != epoch)
        shuffle(o, epoch);
    for (size_t i = 0; i < size; i++)
        out[i] =
            o->options.kind == AS_ORDER_SHUFFLE ? o->shuffled[first + i] : (uint32_t)(first + i);
}

void as_order_saw(as_order *o, uint32_t prompt, double share)
{
    const double before = (double)o->success[prompt], m = o->options.momentum;
    o->success[prompt] = (float)(before < 0 ? share : m * before + (1 - m) * share);
}
