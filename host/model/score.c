/* score.c -- the head that makes one number of a token: a reward model's, a critic's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/run.h"

int as_run_scores(as_run *r, double *score, as_err *err)
{
    if (!as_has_score(r->c))
        return as_fail(err, AS_EUSAGE, "this model has no score head");
    if (r->cache)
        return as_fail(err, AS_EUSAGE, "scores are of whole sequences");
    int rc = as_region_check(r->options.region, r, err);
    if (rc < 0)
        return rc;
    r->has_scores = true;
    if (r->rows == 0)
        return 0;
    if (!r->has_rows)
        as_run_gather(r, r->rows);
    k_gemm a = { .type = r->p->type, .x_type = r->p->act, .y_type = r->p->real, .m = r->rows };
    a.n = 1;
    a.k = r->c->d;
    a.x = r->a.h_rows;
    a.w = as_parameters_at(r->p, AS_W_SCORE, -1);
    a.bias = as_parameters_at(r->p, AS_W_SCORE_BIAS, -1);
    a.y = r->a.score;
    as_run_note(r, "gemm_nt", r->ops->gemm_nt(r->dev, &a));
    as_run_fetch(r, score, r->a.score, r->rows);
    return as_run_status(r, err);
}

void as_run_score_bwd(as_run *r, bool adds, void *grads)
{
    if (r->a.dscore != r->a.scoef) {
        k_cast c = { .x_type = r->p->real, .y_type = r->p->act, .n = r->rows, .x = r->a.scoef };
        c.y = r->a.dscore;
        as_run_note(r, "cast", r->ops->cast(r->dev, &c));
    }
    k_gemm_dw w = { .type = r->p->act, .w_type = r->p->type, .m = r->rows, .n = 1 };
    w.k = r->c->d;
    w.dy = r->a.dscore;
    w.x = r->a.h_rows;
    w.dw = as_parameters_in(r->p, grads, r->p->real, AS_W_SCORE, -1);
    w.dbias = as_parameters_in(r->p, grads, r->p->real, AS_W_SCORE_BIAS, -1);
    as_run_note(r, "gemm_tn", r->ops->gemm_tn(r->dev, &w));
    k_gemm_dx a = { .type = r->p->type, .x_type = r->p->act, .m = r->rows, .n = 1, .k = r->c->d };
    a.dy = r->a.dscore;
    a.w = as_parameters_at(r->p, AS_W_SCORE, -1);
    a.dx = r->a.dh_rows;
    a.accumulate = adds;
    as_run_note(r, "gemm_nn", r->ops->gemm_nn(r->dev, &a));
}
