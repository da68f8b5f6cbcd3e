/* scoring.c -- see scoring.h. SPDX-License-Identifier: Apache-2.0 */
#include "model/scoring.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

int as_scoring_init(as_scoring *s, as_run *run, const as_run_options *options, as_err *err)
{
    const int64_t most = options->seqs < options->rows ? options->seqs : options->rows;
    *s = (as_scoring){ .run = run, .most_tokens = options->tokens, .most_texts = most };
    s->ids = as_calloc((size_t)s->most_tokens, sizeof *s->ids);
    s->cu_seqlens = as_calloc((size_t)most + 1, sizeof *s->cu_seqlens);
    s->rows = as_calloc((size_t)most, sizeof *s->rows);
    if (s->ids && s->cu_seqlens && s->rows)
        return 0;
    as_scoring_fini(s);
    return as_fail(err, AS_ENOMEM, "no memory for passes of %lld tokens",
                   (long long)options->tokens);
}

void as_scoring_fini(as_scoring *s)
{
    as_free(s->ids);
    as_free(s->cu_seqlens);
    as_free(s->rows);
    *s = (as_scoring){ 0 };
}

bool as_scoring_fits(const as_scoring *s, size_t n_tokens, size_t n_texts)
{
    return n_tokens <= (size_t)(s->most_tokens - s->n_tokens) &&
           n_texts <= (size_t)(s->most_texts - s->n_texts);
}

void as_scoring_put(as_scoring *s, const int32_t *ids, size_t n)
{
    assert(n > 0 && as_scoring_fits(s, n, 1));
    memcpy(s->ids + s->n_tokens, ids, n * sizeof *ids);
    s->n_tokens += (int64_t)n;
    s->rows[s->n_texts++] = (int32_t)(s->n_tokens - 1);
    s->cu_seqlens[s->n_texts] = (int32_t)s->n_tokens;
}

int as_scoring_forward(as_scoring *s, double *score, as_err *err)
{
    const as_packed batch = { .n_tokens = s->n_tokens,
                              .n_seqs = s->n_texts,
                              .n_rows = s->n_texts,
                              .ids = s->ids,
                              .cu_seqlens = s->cu_seqlens,
                              .rows = s->rows };
    int rc = as_run_forward(s->run, &batch, err);
    return rc < 0 ? rc : as_run_scores(s->run, score, err);
}

void as_scoring_clear(as_scoring *s)
{
    s->n_tokens = s->n_texts = 0;
}

int as_scoring_all(as_scoring *s, const as_scoring_text *texts, size_t n, double *score,
                   as_err *err)
{
    size_t first = 0; /* of the pass */
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (!as_scoring_fits(s, texts[i].n, 1) && s->n_texts > 0) {
            rc = as_scoring_forward(s, score + first, err);
            as_scoring_clear(s);
            first = i;
        }
        if (rc == 0 && !as_scoring_fits(s, texts[i].n, 1))
            rc = as_fail(err, AS_EUSAGE, "a text of %zu tokens does not fit a pass of %lld",
                         texts[i].n, (long long)s->most_tokens);
        if (rc == 0)
            as_scoring_put(s, texts[i].ids, texts[i].n);
    }
    if (rc == 0 && first < n)
        rc = as_scoring_forward(s, score + first, err);
    as_scoring_clear(s);
    return rc;
}
