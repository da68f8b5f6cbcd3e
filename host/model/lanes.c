/* lanes.c -- see lanes.h. SPDX-License-Identifier: Apache-2.0 */
#include "model/lanes.h"

#include "base/mem.h"
#include "model/run.h"

typedef struct lane {
    as_region region; /* its part of the whole's memory */
    as_run *run;
    int rc;
    as_err err;
} lane;

struct as_lanes {
    as_run *whole;
    lane *lanes; /* [n] */
    int n;
    /* of a pass */
    const as_lane_pass *passes;
    const as_kv_cache *cache;
};

int as_lanes_new(as_lanes **out, as_run *whole, as_err *err)
{
    const as_run_options each = as_lane_options(&whole->options);
    size_t bytes = 0;
    int rc = as_run_bytes(whole->p, &each, &bytes, err);
    as_lanes *l = rc == 0 ? as_calloc(1, sizeof *l) : NULL;
    if (l)
        l->lanes = as_calloc((size_t)whole->options.lanes, sizeof *l->lanes);
    if (!l || !l->lanes) {
        as_free(l);
        return rc < 0 ? rc : as_fail(err, AS_ENOMEM, "no memory for the lanes of a pass");
    }
    l->whole = whole;
    for (l->n = 0; l->n < whole->options.lanes && rc == 0; l->n++) {
        lane *one = &l->lanes[l->n];
        as_run_options options = each;
        options.region = &one->region;
        one->region = (as_region){ .dev = whole->dev,
                                   .memory = whole->memory + (size_t)l->n * bytes,
                                   .bytes = bytes };
        rc = as_run_new(&one->run, whole->p, &options, err);
    }
    if (rc < 0)
        as_lanes_free(l);
    else
        *out = l;
    return rc;
}

void as_lanes_free(as_lanes *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->n; i++)
        as_run_free(l->lanes[i].run);
    as_free(l->lanes);
    as_free(l);
}

static void run_lane(void *ctx, int i, k_device *dev)
{
    const as_lanes *l = ctx;
    lane *one = &l->lanes[i];
    one->rc = 0;
    if (l->passes[i].batch.n_tokens == 0)
        return;
    one->run->dev = dev;
    as_run_claim(one->run);
    one->rc = as_run_pass(one->run, &l->passes[i], l->cache, &one->err);
    one->run->dev = l->whole->dev;
}

int as_lanes_pass(as_lanes *l, const as_lane_pass *passes, const as_kv_cache *cache, as_err *err)
{
    int rc = as_region_check(l->whole->options.region, l->whole, err);
    if (rc < 0)
        return rc;
    l->passes = passes;
    l->cache = cache;
    for (int i = 0; i < l->n; i++)
        l->lanes[i].err = (as_err){ 0 };
    rc = l->whole->ops->in_lanes(l->whole->dev, l->n, run_lane, l);
    if (rc < 0)
        return as_fail_kernel(err, rc, "in_lanes");
    for (int i = 0; i < l->n; i++)
        if (l->lanes[i].rc < 0) {
            *err = l->lanes[i].err;
            return l->lanes[i].rc;
        }
    return 0;
}
