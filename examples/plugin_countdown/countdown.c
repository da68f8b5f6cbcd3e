/* countdown.c -- the verifier of examples/models/countdown: "3 7 11 13=97:" is answered by
 * "7+3*11-13". Passes where the completion uses each number of the prompt once, joined by + - *,
 * and its value, taken from left to right, is the target. What is asked stands in the prompt: no
 * reference is needed. SPDX-License-Identifier: MIT */
#include <assay/plugin.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16, MOST_NUMBER = 999999999 };

typedef struct problem {
    long long numbers[MOST], target;
    size_t n;
} problem;

/* One to nine digits at *at, which moves behind them. */
static bool read_number(assay_str text, size_t *at, long long *out)
{
    const size_t start = *at;
    for (*out = 0; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; ++*at)
        if ((*out = *out * 10 + (text.data[*at] - '0')) > MOST_NUMBER)
            return false;
    return *at > start;
}

static bool read_char(assay_str text, size_t *at, char wanted)
{
    return *at < text.len && text.data[*at] == wanted && ++*at;
}

/* "N N ..=T:" and nothing else. */
static bool read_problem(assay_str prompt, problem *p)
{
    size_t at = 0;
    p->n = 0;
    do
        if (p->n == MOST || !read_number(prompt, &at, &p->numbers[p->n++]))
            return false;
    while (read_char(prompt, &at, ' '));
    return read_char(prompt, &at, '=') && read_number(prompt, &at, &p->target) &&
           read_char(prompt, &at, ':') && at == prompt.len;
}

/* Takes a number from those that are left. */
static bool take(problem *p, long long number)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->numbers[i] == number) {
            p->numbers[i] = p->numbers[--p->n];
            return true;
        }
    return false;
}

static bool apply(char sign, long long *value, long long number)
{
    switch (sign) {
    case '+':
        return !__builtin_add_overflow(*value, number, value);
    case '-':
        return !__builtin_sub_overflow(*value, number, value);
    case '*':
        return !__builtin_mul_overflow(*value, number, value);
    default:
        return false;
    }
}

static assay_verdict judge(assay_str prompt, assay_str text)
{
    problem p;
    size_t at = 0;
    long long value = 0, number;
    char sign = '+';
    if (!read_problem(prompt, &p))
        return ASSAY_ABSTAIN; /* nobody can tell what was asked */
    if (!text.len)
        return ASSAY_NO_ANSWER;
    for (;;) {
        if (!read_number(text, &at, &number) || !take(&p, number) || !apply(sign, &value, number))
            return ASSAY_FAIL;
        if (at == text.len)
            return p.n == 0 && value == p.target ? ASSAY_PASS : ASSAY_FAIL;
        sign = text.data[at++];
    }
}

static assay_status score(assay_verifier *self, const assay_call *call, const assay_batch *in,
                          assay_scores *out, assay_error *err)
{
    (void)self, (void)err;
    for (uint32_t i = 0; i < in->n; i++) {
        if (call->cancelled(call))
            return ASSAY_E_CANCELLED;
        const assay_verdict verdict = judge(in->prompt[i], in->completion[i]);
        if (out->verdict)
            out->verdict[i] = verdict;
        if (out->score)
            out->score[i] = verdict == ASSAY_ABSTAIN ? NAN : (float)(verdict == ASSAY_PASS);
    }
    return ASSAY_OK;
}

static void destroy(assay_verifier *self)
{
    free(self);
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d, (void)host;
    if (config.len && (config.len != 2 || memcmp(config.data, "{}", 2) != 0)) {
        strncpy(err->text, "countdown takes no configuration keys", sizeof err->text - 1);
        return ASSAY_E_CONFIG;
    }
    if (!(*out = calloc(1, sizeof **out)))
        return ASSAY_E_NOMEM;
    **out = (assay_verifier){ .size = sizeof **out, .destroy = destroy, .score = score };
    return ASSAY_OK;
}

/* clang-format off */
static const assay_descriptor countdown = {
    .size = sizeof countdown, .flags = ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT, .create = create,
    .id = "org.example.countdown", .name = "countdown", .version = "1.0.0", .license = "MIT",
    .summary = "each number once, from left to right the target", .revision = 1, .cost_us = 1, .score_max = 1,
};
static const assay_descriptor *const verifiers[] = { &countdown, NULL };
const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, sizeof(assay_entry), verifiers };
