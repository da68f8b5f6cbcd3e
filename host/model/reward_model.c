/* reward_model.c -- see reward_model.h. SPDX-License-Identifier: Apache-2.0 */
#include "model/reward_model.h"

#include "base/mem.h"
#include "model/judged.h"
#include "model/weights_io.h"

#include <math.h>

enum { LONGEST = 8192, PASS_TOKENS = 2048, PASS_TEXTS = 256 };

struct as_reward_model {
    as_weights_index *index;
    as_tokenizer *tokenizer;
    as_chat *chat; /* NULL: none */
    as_judged *judged;
    as_parameters *parameters;
    as_run *run;
    as_scoring pass;
    int64_t longest;
    size_t of[PASS_TEXTS]; /* which answer each text of the pass is */
    double score[PASS_TEXTS];
};

static int open_folder(as_reward_model *m, const char *folder, as_err *err)
{
    as_model_config config;
    int rc = as_model_config_load(&config, folder, err);
    if (rc == 0 && !as_has_score(&config))
        rc =
            as_fail(err, AS_EUSAGE,
                    "%s: a language model, which scores nothing; assay train with \"algo\": \"rm\" "
                    "makes a reward model of it",
                    folder);
    config.heads = AS_HEADS_SCORE; /* of a policy with a value head, that alone */
    if (rc == 0)
        rc = as_weights_index_new(&m->index, &config, err);
    if (rc == 0)
        rc = as_tokenizer_open(&m->tokenizer, folder, err);
    if (rc == 0 && as_tokenizer_size(m->tokenizer) > config.vocab)
        rc = as_fail(err, AS_EDATA, "%s: the tokenizer has %d tokens, and the model rows for %lld",
                     folder, (int)as_tokenizer_size(m->tokenizer), (long long)config.vocab);
    if (rc == 0)
        (void)as_chat_open(&m->chat, folder, NULL); /* it is missed where one is asked for */
    return rc == 0 ? as_judged_new(&m->judged, m->tokenizer, m->chat,
                                   config.n_eos ? config.eos[0] : -1, err)
                   : rc;
}

static int load_weights(as_reward_model *m, const char *folder, k_device *dev, as_err *err)
{
    const as_parameters_options how = { .type = K_F32, .max_pos = m->longest };
    AS_CLEANUP(free) float *weights = as_calloc(m->index->n_elements, sizeof *weights);
    if (!weights)
        return as_fail(err, AS_ENOMEM, "no memory for %zu parameters", m->index->n_params);
    int rc = as_weights_load(m->index, folder, NULL, weights, err);
    if (rc == 0)
        rc = as_parameters_new(&m->parameters, m->index, dev, &how, err);
    return rc == 0 ? as_parameters_set(m->parameters, weights, AS_F32, err) : rc;
}

int as_reward_model_open(as_reward_model **out, const char *folder, k_device *dev,
                         const as_reward_model_options *options, as_err *err)
{
    const as_reward_model_options o = options ? *options : (as_reward_model_options){ 0 };
    as_reward_model *m = as_calloc(1, sizeof *m);
    *out = NULL;
    if (!m)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = open_folder(m, folder, err);
    if (rc == 0) {
        const int64_t most = o.longest ? o.longest : LONGEST, has = m->index->config.max_pos;
        m->longest = most < has ? most : has;
        rc = load_weights(m, folder, dev, err);
    }
    const int64_t tokens = o.tokens ? o.tokens : PASS_TOKENS;
    const as_run_options pass = { .tokens = tokens > m->longest ? tokens : m->longest,
                                  .seqs = PASS_TEXTS,
                                  .rows = PASS_TEXTS };
    if (rc == 0)
        rc = as_run_new(&m->run, m->parameters, &pass, err);
    if (rc == 0)
        rc = as_scoring_init(&m->pass, m->run, &pass, err);
    if (rc < 0)
        as_reward_model_free(m);
    else
        *out = m;
    return rc;
}

void as_reward_model_free(as_reward_model *m)
{
    if (!m)
        return;
    as_scoring_fini(&m->pass);
    as_run_free(m->run);
    as_parameters_free(m->parameters);
    as_judged_free(m->judged);
    as_chat_free(m->chat);
    as_tokenizer_free(m->tokenizer);
    as_weights_index_free(m->index);
    as_free(m);
}

/* ---- scores ---- */

/* What was put together so far, to where it belongs. */
static int compute(as_reward_model *m, double *score, as_reward_model_check *check, void *ctx,
                   as_err *err)
{
    int rc = check ? check(ctx, err) : 0;
    if (rc == 0 && m->pass.n_texts > 0)
        rc = as_scoring_forward(&m->pass, m->score, err);
    for (int64_t i = 0; i < m->pass.n_texts && rc == 0; i++)
        score[m->of[i]] = m->score[i];
    as_scoring_clear(&m->pass);
    return rc;
}

int as_reward_model_score(as_reward_model *m, const as_str *prompts, const as_str *answers,
                          size_t n, double *score, as_reward_model_check *check, void *ctx,
                          as_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        const as_str prompt = prompts ? prompts[i] : (as_str){ 0 };
        const int32_t *ids;
        size_t n_ids;
        score[i] = NAN;
        rc = as_judged_encode(m->judged, prompt, as_judged_is_chat(prompt), answers[i], &ids,
                              &n_ids, err);
        if (rc < 0 || n_ids > (size_t)m->longest)
            continue;
        if (!as_scoring_fits(&m->pass, n_ids, 1))
            rc = compute(m, score, check, ctx, err);
        m->of[m->pass.n_texts] = i;
        if (rc == 0)
            as_scoring_put(&m->pass, ids, n_ids);
    }
    if (rc == 0)
        rc = compute(m, score, check, ctx, err);
    as_scoring_clear(&m->pass);
    return rc;
}
