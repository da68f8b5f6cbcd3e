/* sample_cases.c -- cases of sample.cu, as cases.h has them. Ids must be the reference's: so what
 * is drawn, and where filters cut, is chosen with some room around it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#include "kernels/philox.h"

enum { MOST_IDS = 5000, MOST_ROWS = 9 };
#define MARGIN 2e-5 /* what sums of float may be off by */
static const int64_t vocabularies[] = { 1, 2, 31, 384, 5000, 1027, 4097 };
enum { N_VOCABULARIES = sizeof vocabularies / sizeof vocabularies[0] };

/* ---- a row as a human would sample it, in double
 * ---------------------------------------------------- */
typedef struct ranked {
    double p;
    int64_t id;
} ranked;

static int by_rank(const void *left, const void *right)
{
    const ranked *a = left;
    const ranked *b = right;
    if (a->p != b->p)
        return a->p < b->p ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

static bool is_near(double a, double b)
{
    return fabs(a - b) < MARGIN;
}

/* How many of the ranked are kept; 0: it is too near to call. */
static int64_t kept(const ranked *r, int64_t n, const k_sample_row *how)
{
    if (how->top_k > 0 && how->top_k < n) {
        n = how->top_k;
        if (r[n].p != r[n - 1].p && r[n].p > r[n - 1].p * (1 - MARGIN))
            return 0;
    }
    double total = 0;
    for (int64_t i = 0; i < n; i++)
        total += r[i].p;
    double before = 0;
    for (int64_t i = 0; how->top_p < 1 && i < n; i++) {
        if (i && is_near(before / total, (double)how->top_p))
            return 0;
        if (i && before / total > (double)how->top_p)
            n = i;
        before += r[i].p;
    }
    for (int64_t i = n - 1; how->min_p > 0 && i > 0; i--) {
        if (is_near(r[i].p / r[0].p, (double)how->min_p))
            return 0;
        if (r[i].p < (double)how->min_p * r[0].p)
            n = i;
    }
    return n;
}

/* Whether rounding does not decide which id this row draws. */
static bool is_clear(const float *logits, int64_t n_valid, const k_sample_row *how)
{
    static ranked r[MOST_IDS];
    static double p[MOST_IDS];
    if (!(how->temperature > 0))
        return true;
    double max = -INFINITY;
    for (int64_t j = 0; j < n_valid; j++)
        max = fmax(max, (double)(logits[j] / how->temperature));
    for (int64_t j = 0; j < n_valid; j++)
        r[j] = (ranked){ p[j] = exp((double)(logits[j] / how->temperature) - max), j };
    qsort(r, (size_t)n_valid, sizeof r[0], by_rank);
    const int64_t n = kept(r, n_valid, how);
    double total = 0;
    for (int64_t i = 0; i < n_valid; i++)
        if (i < n)
            total += r[i].p;
        else
            p[r[i].id] = 0;
    const double u = k_draw(how->seed, how->prompt, how->sample, how->position);
    double sum = 0;
    for (int64_t j = 0; j < n_valid && n > 0; j++) {
        sum += p[j];
        if (p[j] > 0 && sum < total * (1 - 1e-12) && is_near(sum / total, u))
            return false;
    }
    return n > 0;
}

/* ---- running
 * -------------------------------------------------------------------------------------- */
typedef struct sampled {
    int32_t *ids;
    float *logp, *kept_logp, *entropy; /* the device's */
} sampled;

static sampled rooms(cuda_run *run, int64_t rows)
{
    const size_t size = (size_t)(rows + 1) * sizeof(float);
    return (sampled){ run_alloc(run, size), run_alloc(run, size), run_alloc(run, size),
                      run_alloc(run, size) };
}

static void sample(cuda_run *run, const float *logits, int64_t rows, int64_t vocab, int64_t n_valid,
                   const k_sample_row *how, const sampled *to)
{
    const k_sample a = {
        .type = K_F32,
        .rows = rows,
        .vocab = vocab,
        .n_valid = n_valid,
        .logits = logits,
        .how = run_given(run, how, (size_t)rows * sizeof *how),
        .ids = to->ids,
        .logp = to->logp,
        .kept_logp = to->kept_logp,
        .entropy = to->entropy,
        .scratch = run_alloc(run, run->dev->ops->sample_scratch(run->dev, rows, vocab)),
    };
    run_ok(run->dev->ops->sample(run->dev, &a));
}

/* What is no number, as one, so that it can be compared; and a 1, so that what is allowed is never
 * a share of nothing. */
static void put(cuda_run *run, const char *name, const float *from, int64_t n)
{
    float *host = run_bytes(run, from, (size_t)(n + 1) * sizeof *host);
    float *to = run_room_of(run, name, n + 1, K_F32, 0);
    for (int64_t i = 0; i < n; i++)
        host[i] = isnan(host[i]) ? 1000 : isinf(host[i]) ? copysignf(2000, host[i]) : host[i];
    host[n] = 1;
    run_ok(run->dev->ops->copy_to(run->dev, to, host, (size_t)(n + 1) * sizeof *host));
    free(host);
}

static void put_ids(cuda_run *run, const int32_t *from, int64_t n)
{
    int32_t *host = run_bytes(run, from, (size_t)n * sizeof *host);
    float *to = run_room_of(run, "ids", n, K_F32, 1e-9);
    for (int64_t i = 0; i < n; i++) {
        const float id = (float)host[i];
        run_ok(run->dev->ops->copy_to(run->dev, to + i, &id, sizeof id));
    }
    free(host);
}

static void compared(cuda_run *run, const float *host, int64_t rows, int64_t vocab, int64_t n_valid,
                     const k_sample_row *how)
{
    const float *logits = run_given(run, host, (size_t)(rows * vocab) * sizeof *host);
    const sampled to = rooms(run, rows);
    sample(run, logits, rows, vocab, n_valid, how, &to);
    put_ids(run, to.ids, rows);
    put(run, "logp", to.logp, rows);
    put(run, "kept_logp", to.kept_logp, rows);
    put(run, "entropy", to.entropy, rows);
}

/* A draw of its own for each row; moved until it is clear. */
static k_sample_row drawn(cuda_run *run, k_sample_row how, const float *logits, int64_t n_valid)
{
    how.seed = run->seed;
    how.prompt = run_below(run, UINT64_MAX);
    how.sample = (uint32_t)run_below(run, 64);
    for (how.position = 0; how.position < 1000; how.position++) {
        if (is_clear(logits, n_valid, &how))
            return how;
        if (how.top_k > 1)
            how.top_k--;
        if (how.top_p < 1)
            how.top_p *= 0.99F;
        if (how.min_p > 0)
            how.min_p *= 1.01F;
    }
    fail_msg("no row of %d ids is clear enough", (int)n_valid);
    return how;
}

static const k_sample_row plain = { .temperature = 1, .top_p = 1 };

static float *random_logits(cuda_run *run, int64_t n, double scale)
{
    float *z = calloc((size_t)n, sizeof *z);
    assert_non_null(z);
    for (int64_t i = 0; i < n; i++)
        z[i] = (float)run_number(run, scale);
    return z;
}

/* All filters alone and together: bit 0 top-k, 1 top-p, 2 min-p. */
static k_sample_row some_filters(cuda_run *run, unsigned which, int64_t n_valid)
{
    static const float temperatures[] = { 1, 0.7F, 1.6F };
    k_sample_row how = plain;
    how.temperature = temperatures[run_below(run, 3)];
    if (which & 1)
        how.top_k = (int32_t)run_size(run, n_valid + 2);
    if (which & 2)
        how.top_p = (float)(0.5 + run_number(run, 0.49));
    if (which & 4)
        how.min_p = (float)(0.1 + run_number(run, 0.09));
    return how;
}

static void filters(cuda_run *run)
{
    k_sample_row how[MOST_ROWS];
    const int64_t vocab = vocabularies[run->seed % N_VOCABULARIES];
    const int64_t rows = vocab > 2000 ? 2 : MOST_ROWS;
    const int64_t n_valid = run_below(run, 2) ? vocab : run_size(run, vocab);
    float *logits = random_logits(run, rows * vocab, 1 + (double)run_below(run, 8));
    for (int64_t r = 0; r < rows; r++) {
        const unsigned which = (unsigned)(run->seed / N_VOCABULARIES * 3 + (uint64_t)r) % 8;
        how[r] = drawn(run, some_filters(run, which, n_valid), logits + r * vocab, n_valid);
    }
    compared(run, logits, rows, vocab, n_valid, how);
    free(logits);
}

/* Many ids that hardly count, which together decide where top-p falls. */
static void long_tail(cuda_run *run)
{
    enum { VOCAB = 2001 };
    float *logits = random_logits(run, VOCAB, 0.05);
    for (int i = 0; i < VOCAB; i++)
        logits[i] += logf(i == 77 ? 0.4F : i % 67 == 3 ? 0.0173F : 4e-5F);
    k_sample_row how = plain;
    how.top_p = 0.5F;
    how = drawn(run, how, logits, VOCAB);
    compared(run, logits, 1, VOCAB, VOCAB, &how);
    free(logits);
}

/* Of few values, so that cuts fall between equal ones. */
static void ties(cuda_run *run)
{
    k_sample_row how[MOST_ROWS];
    const int64_t vocab = (int64_t[]){ 40, 300, 2000 }[run->seed % 3];
    const int64_t rows = vocab > 1000 ? 3 : MOST_ROWS;
    float *logits = random_logits(run, rows * vocab, 1);
    for (int64_t i = 0; i < rows * vocab; i++)
        logits[i] = truncf(logits[i] * 2.6F);
    for (int64_t r = 0; r < rows; r++) {
        how[r] = some_filters(run, 1 + (unsigned)r % 3, vocab);
        how[r] = drawn(run, how[r], logits + r * vocab, vocab);
    }
    compared(run, logits, rows, vocab, vocab, how);
    free(logits);
}

/* The first of the largest valid ones, whatever is behind them. */
static void greedy(cuda_run *run)
{
    k_sample_row how[MOST_ROWS];
    const int64_t vocab = vocabularies[run->seed % N_VOCABULARIES];
    const int64_t rows = vocab > 2000 ? 2 : MOST_ROWS;
    const int64_t n_valid = (vocab + 1) / 2;
    float *logits = random_logits(run, rows * vocab, 3);
    for (int64_t r = 0; r < rows; r++) {
        how[r] = plain;
        how[r].temperature = r % 3 == 1 ? -1.F : 0.F;
        how[r].top_k = 3;
        how[r].min_p = 0.5F;
        float *row = logits + r * vocab;
        const float most = r % 2 ? 3.5F : -7.F;
        for (int64_t i = 0; i < n_valid; i++)
            row[i] = r % 2 ? row[i] : row[i] - 10; /* the largest are not valid, or hardly */
        for (int i = 0; i < 3; i++)
            row[run_below(run, (uint64_t)n_valid)] = most;
    }
    compared(run, logits, rows, vocab, n_valid, how);
    free(logits);
}

/* Valid ids with next to nothing of the mass, and with none of it. */
static void little_mass(cuda_run *run)
{
    static const float behind[] = { 20, 45, 70, 85, 110, 300 };
    k_sample_row how[6];
    const int64_t vocab = 384;
    const int64_t n_valid = 257;
    float *logits = random_logits(run, 6 * vocab, 2);
    for (int64_t r = 0; r < 6; r++) {
        for (int64_t i = 0; i < n_valid; i++)
            logits[r * vocab + i] -= behind[r];
        how[r] = plain;
        if (r < 3) { /* of what is nearly no number, a share is no number of its own */
            how[r] = some_filters(run, (unsigned)run->seed + (unsigned)r, n_valid);
            how[r].temperature = 1;
            how[r] = drawn(run, how[r], logits + r * vocab, n_valid);
        }
    }
    const sampled to = rooms(run, 6);
    sample(run, run_given(run, logits, 6 * (size_t)vocab * sizeof *logits), 6, vocab, n_valid, how,
           &to);
    put_ids(run, to.ids, 3);
    put(run, "kept_logp", to.kept_logp, 3);
    put(run, "logp", to.logp + 5, 1);
    int32_t *ids = run_bytes(run, to.ids, 6 * sizeof *ids);
    for (int r = 3; r < 6; r++)
        assert_true(ids[r] >= 0 && ids[r] < n_valid);
    assert_int_equal(ids[5], 0);
    free(ids);
    free(logits);
}

/* NaN, infinities, temperatures that are hardly any: what the reference makes of them. */
enum { ODD_ROWS = 9, ODD_VOCAB = 131 };
static void fill_odd_row(float *z, int r, bool is_greedy)
{
    if (r == 0)
        z[0] = NAN;
    if (r == 1)
        z[60] = z[120] = NAN;
    if (r == 2)
        z[77] = INFINITY;
    if (r == 3 || r == 4)
        for (int i = 0; i < ODD_VOCAB; i++)
            z[i] = r == 3 ? -INFINITY : NAN;
    if (r == 5) /* behind the valid ones */
        z[ODD_VOCAB - 1] = is_greedy ? NAN : INFINITY;
    if (r == 6)
        for (int i = 0; i < ODD_VOCAB; i++)
            z[i] = i % 9 == 1 ? z[i] : -INFINITY; /* these are numbers */
    if (r == 8)
        z[0] = z[1] = -INFINITY;
}

static void no_numbers(cuda_run *run)
{
    k_sample_row how[ODD_ROWS];
    const bool is_greedy = run->seed % 2;
    float *logits = random_logits(run, (int64_t)ODD_ROWS * ODD_VOCAB, 3);
    for (int r = 0; r < ODD_ROWS; r++) {
        float *z = logits + (size_t)r * ODD_VOCAB;
        fill_odd_row(z, r, is_greedy);
        how[r] = plain;
        how[r].temperature = r == 7 ? 1e-44F : is_greedy ? 0.F : 1.F;
        if (run->seed >= 2 && r < 6) {
            how[r].top_k = 5;
            how[r].top_p = 0.9F;
            how[r].min_p = 0.1F;
        } else if (!is_greedy && (r == 6 || r == 8)) {
            how[r] = drawn(run, how[r], z, ODD_VOCAB - 3);
        }
    }
    compared(run, logits, ODD_ROWS, ODD_VOCAB, ODD_VOCAB - 3, how);
    free(logits);
}

/* top_p and min_p out of their range; top_k of one; a row of zeros. */
static void odd_filters(cuda_run *run)
{
    enum { ROWS = 8, VOCAB = 70 };
    static const float top_p[ROWS] = { 0, -5, 1, 2, 1, 1, 1, 0.5F };
    static const float min_p[ROWS] = { 0, 0, 1, 0, 3, -1, 0.999F, 1 };
    static const int32_t top_k[ROWS] = { 0, 0, 0, -4, 0, VOCAB, 1, 2 };
    k_sample_row how[ROWS];
    float *logits = random_logits(run, (int64_t)ROWS * VOCAB, 2);
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < VOCAB && run->seed % 2; i++)
            logits[r * VOCAB + i] = 0;
        how[r] = plain;
        how[r].top_p = 1;
        how[r].top_k = top_k[r] == VOCAB ? VOCAB : top_k[r];
        how[r] = drawn(run, how[r], logits + (size_t)r * VOCAB, VOCAB);
        how[r].top_p = top_p[r];
        how[r].min_p = min_p[r];
    }
    /* of equal ones, all are as large as the largest, so some of these are drawn from */
    if (run->seed % 2)
        how[2].top_k = how[7].top_k = 1;
    compared(run, logits, ROWS, VOCAB, VOCAB, how);
    free(logits);
}

/* ---- what a sample must not depend on
 * ------------------------------------------------------------- */
static void same_bits(cuda_run *run)
{
    k_sample_row how[MOST_ROWS];
    const int64_t vocab = (int64_t[]){ 384, 61, 4200 }[run->seed % 3];
    const int64_t rows = vocab > 2000 ? 2 : 5;
    float *host = random_logits(run, rows * vocab, 4);
    for (int64_t r = 0; r < rows; r++) {
        how[r] = some_filters(run, (unsigned)r + (unsigned)run->seed, vocab);
        how[r].position = (uint32_t)r;
    }
    const size_t size = (size_t)(rows * vocab) * sizeof *host;
    const sampled together = rooms(run, rows);
    const sampled alone = rooms(run, rows);
    sample(run, run_given(run, host, size), rows, vocab, vocab, how, &together);
    float *odd = run_alloc(run, size + sizeof *host); /* no load of 16 bytes takes these */
    run_ok(run->dev->ops->copy_to(run->dev, odd + 1, host, size));
    for (int64_t r = rows - 1; r >= 0; r--) {
        const sampled one = { alone.ids + r, alone.logp + r, alone.kept_logp + r,
                              alone.entropy + r };
        sample(run, odd + 1 + r * vocab, 1, vocab, vocab, how + r, &one);
    }
    const float *const what[2][4] = {
        { (const void *)together.ids, together.logp, together.kept_logp, together.entropy },
        { (const void *)alone.ids, alone.logp, alone.kept_logp, alone.entropy },
    };
    for (int i = 0; i < 4; i++) {
        void *a = run_bytes(run, what[0][i], (size_t)rows * 4);
        void *b = run_bytes(run, what[1][i], (size_t)rows * 4);
        if (memcmp(a, b, (size_t)rows * 4) != 0)
            fail_msg("NUMBERS %d of a row depends on what is beside it", i);
        free(a);
        free(b);
    }
    free(host);
}

/* A recorded call, played with other logits and other draws than it had. */
static void recorded(cuda_run *run)
{
    enum { ROWS = 3, VOCAB = 200 };
    const k_backend *ops = run->dev->ops;
    k_sample_row how[ROWS] = { plain, plain, plain };
    float *host = random_logits(run, (int64_t)ROWS * VOCAB, 3);
    const size_t size = (size_t)ROWS * VOCAB * sizeof *host;
    const sampled played = rooms(run, ROWS);
    const sampled straight = rooms(run, ROWS);
    float *logits = run_given(run, host, size);
    k_sample a = { .type = K_F32, .rows = ROWS, .vocab = VOCAB, .n_valid = VOCAB };
    a.logits = logits;
    k_sample_row *rows = run_given(run, how, sizeof how);
    a.how = rows;
    a.ids = played.ids;
    a.logp = played.logp;
    a.scratch = run_alloc(run, ops->sample_scratch(run->dev, ROWS, VOCAB));
    k_recording *recording = NULL;
    run_ok(ops->record(run->dev));
    run_ok(ops->sample(run->dev, &a));
    run_ok(ops->recorded(run->dev, &recording));
    run_ok(ops->play(run->dev, recording));
    for (int i = 0; i < ROWS * VOCAB; i++)
        host[i] = (float)run_number(run, 3);
    for (unsigned r = 0; r < ROWS; r++)
        how[r] = some_filters(run, r, VOCAB);
    run_ok(ops->copy_to(run->dev, logits, host, size));
    run_ok(ops->copy_to(run->dev, rows, how, sizeof how));
    run_ok(ops->play(run->dev, recording));
    sample(run, logits, ROWS, VOCAB, VOCAB, how, &straight);
    const void *const what[][2] = { { played.ids, straight.ids }, { played.logp, straight.logp } };
    for (int i = 0; i < 2; i++) {
        void *is = run_bytes(run, what[i][0], sizeof(float) * ROWS);
        void *want = run_bytes(run, what[i][1], sizeof(float) * ROWS);
        if (memcmp(is, want, sizeof(float) * ROWS) != 0)
            fail_msg("NUMBERS what is played is not what is called");
        free(is);
        free(want);
    }
    free(host);
    ops->forget(run->dev, recording);
}

/* Each id as often as its probability says, within 5 standard deviations. */
static void frequencies(cuda_run *run)
{
    enum { VOCAB = 9, ROWS = 700 };
    static const float row[VOCAB] = { 0.3F, -1, 2, 1, 1, -0.5F, 0, 1.5F, -9 };
    static const int is_in[3][VOCAB] = { { 1, 1, 1, 1, 1, 1, 1, 1, 1 },
                                         { 0, 0, 1, 1, 0, 0, 0, 1, 0 },   /* the first 3 */
                                         { 1, 0, 1, 1, 1, 0, 0, 1, 0 } }; /* >= 0.16 of the top */
    static k_sample_row how[ROWS];
    static float logits[ROWS * VOCAB];
    double total = 0;
    for (int j = 0; j < VOCAB; j++)
        total += is_in[run->seed][j] * exp((double)row[j]);
    for (int r = 0; r < ROWS; r++) {
        how[r] = plain;
        how[r].seed = 17;
        how[r].position = (uint32_t)r;
        how[r].top_k = run->seed == 1 ? 3 : 0;
        how[r].min_p = run->seed == 2 ? 0.16F : 0;
        memcpy(logits + (size_t)r * VOCAB, row, sizeof row);
    }
    const sampled to = rooms(run, ROWS);
    sample(run, run_given(run, logits, sizeof logits), ROWS, VOCAB, VOCAB, how, &to);
    int32_t *ids = run_bytes(run, to.ids, ROWS * sizeof *ids);
    float *kept_logp = run_bytes(run, to.kept_logp, ROWS * sizeof *kept_logp);
    double seen[VOCAB] = { 0 };
    for (int r = 0; r < ROWS; r++) {
        assert_in_range(ids[r], 0, VOCAB - 1);
        seen[ids[r]]++;
        assert_close("kept_logp", fabs((double)kept_logp[r] - (double)row[ids[r]] + log(total)),
                     1e-5);
    }
    for (int j = 0; j < VOCAB; j++) {
        const double p = is_in[run->seed][j] * exp((double)row[j]) / total;
        assert_close("frequency", fabs(seen[j] / ROWS - p), 5 * sqrt(p / ROWS));
    }
    free(ids);
    free(kept_logp);
}

static void refusals(cuda_run *run)
{
    k_device *dev = run->dev;
    float logits[4] = { 0, 1, 2, 3 };
    int32_t id = -7;
    k_sample good = { .type = K_F32, .rows = 1, .vocab = 4, .n_valid = 4 };
    good.logits = run_given(run, logits, sizeof logits);
    good.how = run_given(run, &plain, sizeof plain);
    good.ids = run_given(run, &id, sizeof id);
    good.scratch = run_alloc(run, dev->ops->sample_scratch(dev, 1, 4));
    k_sample a = good;
    a.type = K_BF16;
    assert_int_equal(dev->ops->sample(dev, &a), K_ETYPE);
    a.type = K_F64;
    assert_int_equal(dev->ops->sample(dev, &a), K_ETYPE);
    for (int i = 0; i < 4; i++) {
        a = good;
        a.logits = i == 0 ? NULL : a.logits;
        a.how = i == 1 ? NULL : a.how;
        a.ids = i == 2 ? NULL : a.ids;
        a.scratch = i == 3 ? NULL : a.scratch;
        assert_int_equal(dev->ops->sample(dev, &a), K_EARG);
    }
    int64_t *const sizes[] = { &a.rows, &a.n_valid, &a.n_valid, &a.vocab, &a.rows };
    static const int64_t wrong[] = { -1, 0, 5, ((int64_t)1 << 22) + 1, (int64_t)1 << 31 };
    for (size_t i = 0; i < 5; i++) {
        a = good;
        *sizes[i] = wrong[i];
        assert_int_equal(dev->ops->sample(dev, &a), K_EARG);
    }
    a = good;
    a.rows = 0;
    run_ok(dev->ops->sample(dev, &a));
    int32_t *after = run_bytes(run, good.ids, sizeof *after);
    assert_int_equal(*after, id);
    free(after);
    run_ok(dev->ops->sample(dev, &good)); /* without the rest */
    after = run_bytes(run, good.ids, sizeof *after);
    assert_in_range(*after, 0, 3);
    free(after);
}

const cuda_case sample_cases[] = {
    { "filters", filters, 21, 1 << K_F32 },
    { "long_tail", long_tail, 3, 1 << K_F32 },
    { "ties", ties, 6, 1 << K_F32 },
    { "greedy", greedy, 7, 1 << K_F32 },
    { "little_mass", little_mass, 3, 1 << K_F32 },
    { "no_numbers", no_numbers, 4, 1 << K_F32 },
    { "odd_filters", odd_filters, 4, 1 << K_F32 },
    { "same_bits", same_bits, 6, 0 },
    { "recorded", recorded, 2, 0 },
    { "frequencies", frequencies, 3, 0 },
    { "refusals", refusals, 1, 0 },
    { NULL, NULL, 0, 0 },
};
