/* wrap.c -- what stands around an answer: prose, boxes, second thoughts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "audit/wrap.h"

#include "audit/split.h"
#include "base/mem.h"

static const as_look plain = { 0 };

typedef struct frame {
    const char *name, *before, *after;
    bool has_box;
} frame;

static const frame frames[] = {
    { "sentence", "The answer is $\\boxed{", "}$.", true },
    { "box", "\\boxed{", "}", true },
    { "fbox", "So we get $\\fbox{", "}$.", true },
    { "display", "Adding the cases up gives\n$$\\boxed{", "}$$\n", true },
    { "brackets", "Hence the value is\n\\[\n\\boxed{", "}\n\\]", true },
    { "bold", "**Final Answer**\n\n$\\boxed{", "}$", true },
    { "steps",
      "Step 1: There are 12 cases, of which 5 count.\nStep 2: The rest follows by symmetry, since "
      "7 = 12 - 5.\n\n"
      "Therefore the final answer is $\\boxed{",
      "}$.", true },
    { "afterwards", "We find $\\boxed{",
      "}$.\n\nThis agrees with the estimate from the first paragraph.", true },
    { "tags", "Let me write it down.\n<answer>\\boxed{", "}</answer>", true },
    { "thought",
      "<think>Perhaps \\boxed{97}? No, that would be too large.</think>\nThe answer is \\boxed{",
      "}.", true },
    { "math", "The final answer is $", "$.", false },
    { "answer", "Solving for it step by step.\n\nFinal answer: $", "$", false },
};

const char *as_wrap(as_buf *out, as_rng *rng, as_str answer, bool may_be_bare)
{
    const frame *f = NULL;
    do
        f = &frames[as_rng_below(rng, sizeof frames / sizeof *frames)];
    while (!f->has_box && !may_be_bare);
    as_buf_text(out, f->before);
    as_buf_add(out, answer);
    as_buf_text(out, f->after);
    return f->name;
}

/* ---- kinds of their own ---- */

/* In a pattern, '@' stands for the right answer, '#' for a wrong one, '~' for some number. */
typedef struct pattern {
    const char *name, *text;
} pattern;

static const pattern equal_patterns[] = {
    { "verbatim", "The answer is $\\boxed{@}$." },
    { "wrong-then-right", "That leaves $\\boxed{~}$. Wait, actually I made a mistake in the second "
                          "step; the correct value is "
                          "$\\boxed{@}$." },
    { "thought-then-right",
      "<think>Is it \\boxed{~}? Let me check again.</think> The answer is \\boxed{@}." },
    { "twice", "We get $\\boxed{@}$ in one way.\n\nThe other way confirms it: $\\boxed{@}$." },
    { "numbers-around", "With n = ~ and m = 3 we get $\\boxed{@}$, as in Example 4 on page 17." },
    { "padded", "Therefore the answer is $\\boxed{ @ }$" },
};

/* For everything: what is given at the end is not the answer, or nothing. */
static const pattern no_answer_patterns[] = {
    { "truncated", "Putting it together, the answer is $\\boxed{@" },
    { "empty-box", "Putting it together, the answer is $\\boxed{}$." },
    { "refusal", "I could not solve this problem." },
};

/* For answers a wrong one is known for. */
static const pattern wrong_patterns[] = {
    { "right-then-wrong",
      "At first it looks like $\\boxed{@}$. Wait, that counts one case twice. The correct value is "
      "$\\boxed{#}$." },
    { "thought-right", "<think>It should be \\boxed{@}.</think> The answer is \\boxed{#}." },
    { "right-in-prose", "One might expect $@$, but that is wrong. The answer is $\\boxed{#}$." },
};

/* For single values: two answers are none. */
static const pattern hedge_patterns[] = {
    { "two-boxes", "The answer is $\\boxed{#}$ or $\\boxed{@}$." },
    { "two-boxes-and", "The answer is $\\boxed{@}$ and $\\boxed{#}$." },
    { "either", "The answer is $\\boxed{# \\text{ or } @}$." },
    { "list", "The answer is $\\boxed{@, #}$." },
    { "hedge", "I think it is # or @." },
};

static void fill(as_maker *m, const char *text, as_str right, as_str wrong)
{
    as_buf_clear(m->out);
    for (const char *c = text; *c; c++) {
        if (*c == '@')
            as_buf_add(m->out, right);
        else if (*c == '#')
            as_buf_add(m->out, wrong);
        else if (*c == '~')
            as_buf_u64(m->out, 1000 + as_maker_below(m, 9000));
        else
            as_buf_byte(m->out, *c);
    }
}

static bool can_be_boxed(as_str s)
{
    return s.len > 0 && !memchr(s.data, '$', s.len) && as_split_balanced(s);
}

const char *as_wrap_equal(as_maker *m, const as_gold *g)
{
    if (!can_be_boxed(g->source))
        return NULL;
    const pattern *p =
        &equal_patterns[as_maker_below(m, sizeof equal_patterns / sizeof *equal_patterns)];
    fill(m, p->text, g->source, AS_LIT(""));
    return p->name;
}

static bool is_single(const as_gold *g)
{
    return g->shape == AS_SHAPE_NUMBER || g->shape == AS_SHAPE_CHOICE || g->shape == AS_SHAPE_TUPLE;
}

const char *as_wrap_miss(as_maker *m, const as_gold *g)
{
    as_gold changed;
    const pattern *p = &no_answer_patterns[as_maker_below(m, sizeof no_answer_patterns /
                                                                 sizeof *no_answer_patterns)];
    if (!can_be_boxed(g->source))
        return NULL;
    bool has_wrong = as_maker_below(m, 4) != 0 && as_miss_change(m, g, &changed);
    if (!has_wrong) {
        fill(m, p->text, g->source, AS_LIT(""));
        return p->name;
    }
    AS_CLEANUP(buf) as_buf wrong = { 0 };
    as_buf_init(&wrong, 1 << 16);
    as_spell_gold(&wrong, &changed, &plain);
    if (is_single(g) && as_maker_below(m, 2))
        p = &hedge_patterns[as_maker_below(m, sizeof hedge_patterns / sizeof *hedge_patterns)];
    else
        p = &wrong_patterns[as_maker_below(m, sizeof wrong_patterns / sizeof *wrong_patterns)];
    if (!wrong.failed)
        fill(m, p->text, g->source, as_buf_str(&wrong));
    return wrong.failed ? NULL : p->name;
}
