/* check_material.c -- the texts verifiers are tried on: ordinary answers of many kinds, and what
 * the known answers hold. SPDX-License-Identifier: Apache-2.0 */
#include "plug/check_env.h"

typedef struct sample {
    const char *completion, *reference, *prompt, *meta;
} sample;

/* Four neighbours share a prompt and so a group: verifiers over groups get something to vote on. */
static const sample samples[] = {
    { "The answer is \\boxed{42}.", "42", "What is 6 times 7?", NULL },
    { "6 * 7 = 42, so \\boxed{42}", "42", "What is 6 times 7?", NULL },
    { "I think it is \\boxed{41}.", "42", "What is 6 times 7?", NULL },
    { "No idea, sorry.", "42", "What is 6 times 7?", NULL },
    { "<think>half of one</think><answer>0.5</answer>", "\\frac{1}{2}", "What is 1 / 2?",
      "{\"level\":1}" },
    { "\\boxed{\\frac{1}{2}}", "\\frac{1}{2}", "What is 1 / 2?", "{\"level\":1}" },
    { "\\boxed{\\dfrac12}", "\\frac{1}{2}", "What is 1 / 2?", "{\"level\":1}" },
    { "1/2", "\\frac{1}{2}", "What is 1 / 2?", "{\"level\":1}" },
    { "Answer: B", "B", "Which one? (A) no (B) yes (C) both (D) none", NULL },
    { "The correct option is (C).", "B", "Which one? (A) no (B) yes (C) both (D) none", NULL },
    { "\\boxed{B}", "B", "Which one? (A) no (B) yes (C) both (D) none", NULL },
    { "b", "B", "Which one? (A) no (B) yes (C) both (D) none", NULL },
    { "#### 1,234", "1234", "How many?", "{}" },
    { "So there are 1234 of them.\n#### 1234", "1234", "How many?", "{}" },
    { "1234.0", "1234", "How many?", "{}" },
    { "-1234", "1234", "How many?", "{}" },
    { "\\boxed{(1, -2)}", "(1,-2)", "Where do they meet?", NULL },
    { "\\boxed{\\{3, 1, 2\\}}", "\\{1,2,3\\}", "Which ones?", NULL },
    { "The solutions are $x=2$ and $x=3$: \\boxed{2, 3}", "3,2", "Solve it.", NULL },
    { "\\boxed{x^2 + 1}", "1+x^2", "Expand.", NULL },
    { "Z\xc3\xbcrich", "Z\xc3\xbcrich", "Where?", NULL },
    { "zu\xcc\x88rich", "Z\xc3\xbcrich", "Where?", NULL },
    { "\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac", "Where?", NULL },
    { "\xf0\x9f\xa4\x96", "robot", "Who?", NULL },
    { "```python\ndef f(x):\n    return x + 1\n```", "{\"asserts\":[\"assert f(1) == 2\"]}",
      "Write f.", NULL },
    { "```json\n{\"a\": 1}\n```", "{\"a\":1}", "As JSON.", NULL },
    { "True", "true", "Is it so?", NULL },
    { "  yes \n", "Yes", "Is it so?", NULL },
    { "3.14159", "\\pi", "How round?", NULL },
    { "1e3", "1000", "How many?", NULL },
    { "50%", "0.5", "How much?", NULL },
    { "$5.00", "5", "What does it cost?", NULL },
    { "the the the the the the the the the the the the the the", "cat", "Say something.", NULL },
    { "<think>\nfirst\n</think>\n\n<answer>second</answer>", "second", "Think.", NULL },
    { "<answer>unclosed", "unclosed", "Think.", NULL },
    { "\\boxed{\\text{no}} but rather \\boxed{\\text{yes}}", "yes", "Make up your mind.", NULL },
};

int as_columns_new(as_columns *out, uint32_t n, as_arena *arena)
{
    size_t some = (size_t)n + 1; /* so that no column of an empty batch is NULL */
    *out = (as_columns){ .n = n };
    out->prompt = as_arena_calloc(arena, some, sizeof(as_str));
    out->completion = as_arena_calloc(arena, some, sizeof(as_str));
    out->reference = as_arena_calloc(arena, some, sizeof(as_str));
    out->meta = as_arena_calloc(arena, some, sizeof(as_str));
    out->group = as_arena_calloc(arena, some, sizeof(uint64_t));
    out->seed = as_arena_calloc(arena, some, sizeof(uint64_t));
    bool good =
        out->prompt && out->completion && out->reference && out->meta && out->group && out->seed;
    for (uint32_t i = 0; good && i < n; i++) {
        out->group[i] = i;
        out->seed[i] = as_seed_of(1, AS_LIT("check"), i);
    }
    return good ? 0 : AS_ENOMEM;
}

int as_columns_pick(as_columns *out, const as_columns *from, const uint32_t *rows, uint32_t n,
                    as_arena *arena)
{
    int rc = as_columns_new(out, n, arena);
    uint64_t group = 0;
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        uint32_t k = rows[i];
        if (i > 0 && from->group[k] != from->group[rows[i - 1]])
            group++;
        out->prompt[i] = from->prompt[k];
        out->completion[i] = from->completion[k];
        out->reference[i] = from->reference[k];
        out->meta[i] = from->meta[k];
        out->seed[i] = from->seed[k];
        out->group[i] = group;
    }
    return rc;
}

int as_columns_of_text(as_columns *out, as_str completion, as_str reference, as_str prompt,
                       as_str meta, as_arena *arena)
{
    enum { TIMES = 4 }; /* one group of equals, for verifiers over groups */
    int rc = as_columns_new(out, TIMES, arena);
    for (uint32_t i = 0; rc == 0 && i < TIMES; i++) {
        out->completion[i] = completion;
        out->reference[i] = reference;
        out->prompt[i] = prompt;
        out->meta[i] = meta;
        out->group[i] = 0;
    }
    return rc;
}

static bool is_ordinary(as_str s)
{
    return s.len <= 65536 && as_utf8_valid(s) == s.len && (!s.data || !memchr(s.data, 0, s.len));
}

static bool is_ordinary_line(const as_known *k)
{
    return is_ordinary(k->completion) && is_ordinary(k->reference) && is_ordinary(k->prompt) &&
           is_ordinary(k->meta);
}

static void put_known(as_columns *out, uint32_t *at, const as_known_set *known, uint32_t limit,
                      uint64_t *group)
{
    as_str last = { NULL, 0 };
    for (uint32_t i = 0; i < known->n && i < limit; i++) {
        const as_known *k = &known->at[i];
        if (!is_ordinary_line(k))
            continue;
        bool together = last.data && k->group.data && as_str_eq(last, k->group);
        last = k->group;
        *group += together ? 0 : 1;
        out->completion[*at] = k->completion;
        out->reference[*at] = k->reference;
        out->prompt[*at] = k->prompt;
        out->meta[*at] = k->meta;
        out->group[(*at)++] = *group;
    }
}

int as_material_new(as_columns *out, const as_known_set *known, as_arena *arena, as_err *err)
{
    enum { MOST_KNOWN = 160, N_SAMPLES = sizeof(samples) / sizeof(samples[0]) };
    uint32_t n_known = known->n < MOST_KNOWN ? known->n : MOST_KNOWN;
    uint64_t group = 0;
    uint32_t at = 0;
    if (as_columns_new(out, N_SAMPLES + n_known, arena) < 0)
        return as_fail(err, AS_ENOMEM, "no memory for the items to check with");
    for (; at < N_SAMPLES; at++) {
        const sample *s = &samples[at];
        group += at > 0 && strcmp(s->prompt, samples[at - 1].prompt) != 0;
        out->completion[at] = as_str_of(s->completion);
        out->reference[at] = as_str_of(s->reference);
        out->prompt[at] = as_str_of(s->prompt);
        out->meta[at] = as_str_of(s->meta);
        out->group[at] = group;
    }
    put_known(out, &at, known, n_known, &group);
    out->n = at;
    return 0;
}
