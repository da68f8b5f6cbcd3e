/* test_model_gradients.c -- the whole backward pass: GRPO gradients and AdamW steps of the tiny
 * models against their goldens, finite differences through made-up models in double, and what a
 * gradient must not depend on: packing, the split into passes, what is computed again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tiny_batch.h"

/* ---- the loss of GRPO and relatives, in double (gen_tiny.py: grpo_loss) ---- */

typedef struct grpo {
    batch all;
    double advantage[SEQS_MOST], old[ROWS_MOST], ref[ROWS_MOST], cur[ROWS_MOST], entropy[ROWS_MOST];
    double eps_low, eps_high, beta, max_completion, temperature;
} grpo;

static void numbers_into(double *out, const cJSON *list)
{
    size_t n;
    double *x = golden_numbers(list, &n);
    memcpy(out, x, n * sizeof *x);
    as_free(x);
}

static void grpo_read(grpo *g, const cJSON *golden)
{
    *g = (grpo){ .eps_low = golden_number(golden, "eps_low"),
                 .eps_high = golden_number(golden, "eps_high") };
    g->beta = golden_number(golden, "beta");
    g->max_completion = golden_number(golden, "max_completion_length");
    g->temperature = golden_number(golden, "temperature");
    numbers_into(g->advantage, golden_member(golden, "advantages"));
    const cJSON *seqs = golden_member(golden, "sequences"),
                *prompts = golden_member(golden, "prompt_lens");
    for (int s = 0; s < cJSON_GetArraySize(seqs); s++) {
        size_t n;
        int32_t *ids = golden_ids(cJSON_GetArrayItem(seqs, s), &n), at = g->all.first_row[s];
        add(&g->all, ids, (int32_t)n, (int32_t)cJSON_GetArrayItem(prompts, s)->valuedouble);
        numbers_into(g->old + at, cJSON_GetArrayItem(golden_member(golden, "old_logps"), s));
        numbers_into(g->ref + at, cJSON_GetArrayItem(golden_member(golden, "ref_logps"), s));
        numbers_into(g->cur + at, cJSON_GetArrayItem(golden_member(golden, "cur_logps"), s));
        numbers_into(g->entropy + at, cJSON_GetArrayItem(golden_member(golden, "cur_entropy"), s));
        as_free(ids);
    }
}

/* The loss at these log-probs, and its gradient to each. */
static double grpo_loss(const grpo *g, const char *kind, const double *logp, double *coef)
{
    const int32_t *first = g->all.first_row, n_seqs = g->all.n_seqs;
    const bool of_sequence = strcmp(kind, "gspo") == 0;
    double loss = 0;
    for (int32_t s = 0; s < n_seqs; s++) {
        double n = first[s + 1] - first[s], weight = 1 / (n * n_seqs), mean = 0, through = 0;
        if (strcmp(kind, "dapo") == 0)
            weight = 1.0 / first[n_seqs];
        else if (strcmp(kind, "dr_grpo") == 0)
            weight = 1 / (n_seqs * g->max_completion);
        for (int32_t i = first[s]; i < first[s + 1]; i++)
            mean += (logp[i] - g->old[i]) / n;
        for (int32_t i = first[s]; i < first[s + 1]; i++) {
            double a = g->advantage[s], ratio = exp(of_sequence ? mean : logp[i] - g->old[i]);
            double clipped = fmin(fmax(ratio, 1 - g->eps_low), 1 + g->eps_high),
                   d = g->ref[i] - logp[i];
            loss += weight * (-fmin(ratio * a, clipped * a) + g->beta * (exp(d) - d - 1));
            double slope = ratio * a <= clipped * a ? -weight * ratio * a : 0;
            coef[i] = weight * g->beta * (1 - exp(d)) + (of_sequence ? 0 : slope);
            through += of_sequence ? slope / n : 0;
        }
        for (int32_t i = first[s]; i < first[s + 1]; i++)
            coef[i] += through;
    }
    return loss;
}

static double norm_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* The rows of one pass of the batch: `n` sequences from `from` on, with their coefficients. */
static void pass(as_run *run, const batch *all, int32_t from, int32_t n, double temperature,
                 const double *coef, void *grads)
{
    batch part = { .n_seqs = 0 };
    double ignored[ROWS_MOST];
    for (int32_t s = from; s < from + n; s++) {
        int32_t len = all->cu[s + 1] - all->cu[s],
                scored = all->first_row[s + 1] - all->first_row[s];
        add(&part, all->ids + all->cu[s], len, len - scored);
    }
    as_packed b = packed_of(&part);
    MUST(as_run_forward(run, &b, err));
    MUST(as_run_logprob(run, temperature, ignored, NULL, err));
    MUST(as_run_backward(run, coef + all->first_row[from], NULL, grads, err));
}

/* ---- GRPO ---- */

static double tolerance_of(k_type type)
{
    return type == K_F64 ? 1e-9 : 1e-4;
}

/* The norm of each tensor of the files. */
static void check_norms(const tiny_model *m, const double *grads, const cJSON *result)
{
    for (size_t i = 0; i < m->index->n_parts; i++) {
        const as_part *part = &m->index->parts[i];
        double want = golden_number(golden_member(result, "param_grad_norms"), part->name);
        double got = norm_of(grads + part->offset, part->n);
        if (!(fabs(got - want) <= tolerance_of(m->type) * want))
            fail_msg("%s: norm of the gradient %.10g, the golden's is %.10g", part->name, got,
                     want);
    }
}

/* The gradients themselves, which the goldens have (in float) of one family. */
static void check_tensors(const tiny_model *m, const char *family, const double *grads)
{
    for (size_t i = 0; i < m->index->n_parts; i++) {
        const as_part *part = &m->index->parts[i];
        size_t n;
        double *want = tiny_tensor(family, "golden_grpo_dapo_grads.safetensors", part->name, &n);
        assert_int_equal(n, part->n);
        double distance = tiny_distance(grads + part->offset, want, n);
        if (!(distance <= (m->type == K_F64 ? 1e-6 : 1e-4)))
            fail_msg("the gradient of %s is %g from the golden", part->name, distance);
        as_free(want);
    }
}

static void check_kind(const tiny_model *m, as_run *run, const grpo *g, const char *kind,
                       const cJSON *result, const char *family)
{
    double logp[ROWS_MOST], entropy[ROWS_MOST], coef[ROWS_MOST];
    const double close = m->type == K_F64 ? 1e-9 : 2e-5;
    as_packed b = packed_of(&g->all);
    void *grads = zeroed_grads(m);
    MUST(as_run_forward(run, &b, err));
    MUST(as_run_logprob(run, g->temperature, logp, entropy, err));
    tiny_near(logp, g->cur, (size_t)b.n_rows, close, "log-probs");
    tiny_near(entropy, g->entropy, (size_t)b.n_rows, close, "entropies");
    double loss = grpo_loss(g, kind, logp, coef);
    tiny_near(&loss, &golden_member(result, "loss")->valuedouble, 1, close, "loss");
    MUST(as_run_backward(run, coef, NULL, grads, err));
    double *host = host_grads(m, grads);
    check_norms(m, host, result);
    if (strcmp(kind, "dapo") == 0 && strcmp(family, "tiny_qwen3") == 0)
        check_tensors(m, family, host);
    as_free(host);
    m->dev->ops->free(m->dev, grads);
}

static void check_grpo(const tiny_model *m, const char *family)
{
    if (m->type == K_BF16)
        return;
    cJSON *root = tiny_golden(family, "golden_grpo.json");
    grpo g;
    grpo_read(&g, golden_member(root, "batch"));
    as_run *run = tiny_run(m, &training);
    const cJSON *result;
    cJSON_ArrayForEach(result, golden_member(root, "results"))
    {
        if (m->type == K_F64 ||
            strcmp(result->string, "dapo") == 0) /* they differ in the coefficients alone */
            check_kind(m, run, &g, result->string, result, family);
    }
    as_run_free(run);
    cJSON_Delete(root);
}

static void grpo_goldens(void **state)
{
    (void)state;
    tiny_everywhere(check_grpo, "");
}

/* In bf16, of the weights that are bf16 already, with given coefficients: near the gradient of the
 * same weights in double. */
static void check_narrow(const tiny_model *m, const char *family)
{
    if (m->type != K_BF16 || strcmp(family, "tiny_llama") != 0) /* the farthest in its logits */
        return;
    cJSON *root = tiny_golden(family, "golden_grpo.json");
    grpo g;
    double coef[ROWS_MOST];
    grpo_read(&g, golden_member(root, "batch"));
    (void)grpo_loss(&g, "dapo", g.cur, coef);
    tiny_model exact;
    tiny_open(&exact, family, "/bf16", "naive-f64", K_F64);
    const tiny_model *both[2] = { m, &exact };
    double *grads[2];
    for (int i = 0; i < 2; i++) {
        as_run *run = tiny_run(both[i], &training);
        void *on_device = zeroed_grads(both[i]);
        pass(run, &g.all, 0, g.all.n_seqs, 1, coef, on_device);
        grads[i] = host_grads(both[i], on_device);
        both[i]->dev->ops->free(both[i]->dev, on_device);
        as_run_free(run);
    }
    double distance = tiny_distance(grads[0], grads[1], m->index->n_elements);
    if (!(distance <= (tiny_wide ? 5e-5 : 0.05)))
        fail_msg("%s: gradients in bf16 are %g from those in double", family, distance);
    as_free(grads[0]);
    as_free(grads[1]);
    tiny_close(&exact);
    cJSON_Delete(root);
}

static void narrow_gradients(void **state)
{
    (void)state;
    tiny_everywhere(check_narrow, "/bf16");
    tiny_wide = true;
    tiny_everywhere(check_narrow, "/bf16");
    tiny_wide = false;
}

/* ---- AdamW ---- */

typedef struct training_state {
    void *grads, *moment, *square;
    as_packed b;
    const cJSON *golden;
} training_state;

/* Mean cross-entropy; and with `step` > 0 its gradient, clipped, and a step of AdamW. Returns the
 * loss. */
static double train_step(const tiny_model *m, as_run *run, const training_state *t, int64_t step,
                         double want_norm)
{
    const size_t n = m->index->n_elements;
    double logp[ROWS_MOST], coef[ROWS_MOST], loss = 0, squares;
    MUST(as_run_forward(run, &t->b, err));
    MUST(as_run_logprob(run, 1, logp, NULL, err));
    for (int64_t i = 0; i < t->b.n_rows; i++) {
        loss -= logp[i] / (double)t->b.n_rows;
        coef[i] = -1 / (double)t->b.n_rows;
    }
    if (step == 0)
        return loss;
    assert_int_equal(m->dev->ops->zero(m->dev, t->grads, n * k_type_size(m->p->real)), K_OK);
    MUST(as_run_backward(run, coef, NULL, t->grads, err));
    assert_int_equal(m->dev->ops->sum_squares(m->dev, m->p->real, (int64_t)n, t->grads, &squares),
                     K_OK);
    double norm = sqrt(squares), clip = golden_number(t->golden, "clip");
    tiny_near(&norm, &want_norm, 1, m->type == K_F64 ? 1e-8 : 1e-3, "norm of the gradient");
    k_adamw a = { .real = m->p->real, .n = (int64_t)n, .step = step };
    a.lr = golden_number(t->golden, "lr");
    a.beta1 = cJSON_GetArrayItem(golden_member(t->golden, "betas"), 0)->valuedouble;
    a.beta2 = cJSON_GetArrayItem(golden_member(t->golden, "betas"), 1)->valuedouble;
    a.eps = golden_number(t->golden, "eps");
    a.weight_decay = golden_number(t->golden, "weight_decay");
    a.grad_scale = fmin(1, clip / (norm + 1e-6)); /* torch.nn.utils.clip_grad_norm_ */
    a.master = m->p->arena;
    a.m = t->moment;
    a.v = t->square;
    a.grad = t->grads;
    assert_int_equal(m->dev->ops->adamw(m->dev, &a), K_OK);
    MUST(as_parameters_changed(m->p, err));
    return loss;
}

/* Where the golden has the weights after the last step. */
static void check_final(const tiny_model *m, const char *family)
{
    double *w = host_grads(m, m->p->arena); /* laid out alike */
    for (size_t i = 0; i < m->index->n_parts; i++) {
        const as_part *part = &m->index->parts[i];
        size_t n;
        double *want = tiny_tensor(family, "golden_adamw_final.safetensors", part->name, &n);
        assert_int_equal(n, part->n);
        /* steps are of lr whatever the gradient's size: where it is next to nothing, rounding
         * decides its sign */
        double distance = tiny_distance(w + part->offset, want, n);
        if (!(distance <= (m->type == K_F64 ? 1e-6 : 1e-4)))
            fail_msg("%s after three steps is %g from the golden", part->name, distance);
        as_free(want);
    }
    as_free(w);
}

static void check_adamw(const tiny_model *m, const char *family)
{
    const bool has_final = strcmp(family, "tiny_qwen2") == 0;
    if (m->type == K_BF16 || (m->type == K_F64 && !has_final))
        return;
    cJSON *root = tiny_golden(family, "golden.json");
    training_state t = { .golden = golden_member(root, "adamw") };
    const cJSON *tokens = golden_member(t.golden, "tokens");
    size_t n_losses, n_norms;
    double *losses = golden_numbers(
        golden_member(t.golden, "losses_before_each_step_and_after_last"), &n_losses);
    double *norms = golden_numbers(golden_member(t.golden, "grad_norms_before_clip"), &n_norms);
    batch all = { .n_seqs = 0 };
    for (int s = 0; s < cJSON_GetArraySize(tokens); s++) {
        size_t n;
        int32_t *ids = golden_ids(cJSON_GetArrayItem(tokens, s), &n);
        add(&all, ids, (int32_t)n, 1);
        as_free(ids);
    }
    t.b = packed_of(&all);
    t.grads = zeroed_grads(m);
    t.moment = zeroed_grads(m);
    t.square = zeroed_grads(m);
    as_run *run = tiny_run(m, &training);
    for (size_t i = 0; i < n_losses; i++) {
        bool is_last = i + 1 == n_losses;
        double loss = train_step(m, run, &t, is_last ? 0 : (int64_t)i + 1, is_last ? 0 : norms[i]);
        tiny_near(&loss, &losses[i], 1, m->type == K_F64 ? 1e-9 : 5e-5, "loss");
    }
    if (has_final)
        check_final(m, family);
    m->dev->ops->free(m->dev, t.grads);
    m->dev->ops->free(m->dev, t.moment);
    m->dev->ops->free(m->dev, t.square);
    as_run_free(run);
    as_free(losses);
    as_free(norms);
    cJSON_Delete(root);
}

static void adamw_goldens(void **state)
{
    (void)state;
    tiny_somewhere(check_adamw);
}

/* ---- what a gradient does not depend on ---- */

/* Gradients of the batch in so many passes, on the host. */
static double *in_passes(const tiny_model *m, const batch *all, const double *coef,
                         int32_t n_passes)
{
    as_run *run = tiny_run(m, &training);
    void *grads = zeroed_grads(m);
    for (int32_t i = 0; i < n_passes; i++)
        pass(run, all, i * all->n_seqs / n_passes, all->n_seqs / n_passes, 1, coef, grads);
    double *out = host_grads(m, grads);
    m->dev->ops->free(m->dev, grads);
    as_run_free(run);
    return out;
}

/* The sequences in 1, 2, 4 passes: the same gradients, as far as the order of a sum goes. */
static void check_splits(const tiny_model *m, const char *family)
{
    if (strcmp(family, "tiny_qwen3") != 0) /* the families differ in nothing that a split touches */
        return;
    cJSON *root = tiny_golden(family, "golden_grpo.json");
    grpo g;
    double coef[ROWS_MOST];
    grpo_read(&g, golden_member(root, "batch"));
    (void)grpo_loss(&g, "dapo", g.cur, coef);
    double *whole = in_passes(m, &g.all, coef, 1);
    for (int32_t n_passes = 2; n_passes <= 4; n_passes *= 2) {
        double *got = in_passes(m, &g.all, coef, n_passes);
        for (size_t i = 0; i < m->index->n_parts; i++) {
            const as_part *p = &m->index->parts[i];
            double distance = tiny_distance(got + p->offset, whole + p->offset, p->n);
            if (!(distance <= (m->type == K_F64 ? 1e-13 : 2e-6)))
                fail_msg("%s: %s in %d passes is %g away", family, p->name, n_passes, distance);
        }
        as_free(got);
    }
    as_free(whole);
    cJSON_Delete(root);
}

static void splits(void **state)
{
    (void)state;
    tiny_somewhere(check_splits);
}

/* Log-probs beside the backward: those of as_run_logprob, and the same gradients, to the bit; once
 * a forward. */
static void check_together(const tiny_model *m, const char *family)
{
    if (strcmp(family, "tiny_qwen3") != 0)
        return;
    cJSON *root = tiny_golden(family, "golden_grpo.json");
    grpo g;
    double coef[ROWS_MOST], logp[2][ROWS_MOST], *grads[2];
    const size_t bytes = m->index->n_elements * sizeof(double);
    grpo_read(&g, golden_member(root, "batch"));
    (void)grpo_loss(&g, "dapo", g.cur, coef);
    const as_packed b = packed_of(&g.all);
    for (int together = 1; together >= 0; together--) { /* first: no memory has the log-probs yet */
        as_run *run = tiny_run(m, &training);
        void *on_device = zeroed_grads(m);
        MUST(as_run_forward(run, &b, err));
        if (together) {
            MUST(as_run_logprob_backward(run, 0.8, coef, logp[1], on_device, err));
        } else {
            MUST(as_run_logprob(run, 0.8, logp[0], NULL, err));
            MUST(as_run_backward(run, coef, NULL, on_device, err));
        }
        assert_int_equal(as_run_backward(run, coef, NULL, on_device, NULL), AS_EUSAGE);
        grads[together] = host_grads(m, on_device);
        m->dev->ops->free(m->dev, on_device);
        as_run_free(run);
    }
    assert_memory_equal(logp[0], logp[1], (size_t)b.n_rows * sizeof(double));
    assert_memory_equal(grads[0], grads[1], bytes);
    as_free(grads[0]);
    as_free(grads[1]);
    cJSON_Delete(root);
}

static void together(void **state)
{
    (void)state;
    tiny_somewhere(check_together);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grpo_goldens),  cmocka_unit_test(narrow_gradients),
        cmocka_unit_test(adamw_goldens), cmocka_unit_test(splits),
        cmocka_unit_test(together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
