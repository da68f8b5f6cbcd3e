/* test_extract.c -- plugins/common/extract: stages, hedges, truncation, hostile texts.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/extract.h"

#include <stdlib.h>

typedef struct row {
    const char *preset, *text, *answer; /* answer NULL: none */
    pc_stage stage;
    uint32_t n_list;
    bool truncated;
} row;

static const row rows[] = {
    { "math", "so \\boxed{5}.", "5", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{\\frac{1}{2}}", "\\frac{1}{2}", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{\\boxed{5}}", "5", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{x = \\boxed{5}", NULL, PC_STAGE_NONE, 0, true },
    { "math", "\\boxed {5}", "5", PC_STAGE_BOXED, 1, false },
    { "math", "$\\boxed 5$", "5", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed 5 and so on", "5", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed", NULL, PC_STAGE_NONE, 0, true },
    { "math", "\\fbox{7}", "7", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxedx{7}", "\\boxedx{7}", PC_STAGE_WHOLE, 1, false },
    { "math", "\\boxed{1}, \\boxed{2} and \\boxed{3}", "\\boxed{1}, \\boxed{2} and \\boxed{3}",
      PC_STAGE_BOXED, 3, false },
    { "math", "\\boxed{1}. Hence \\boxed{2}", "2", PC_STAGE_BOXED, 1, false },
    { "math", "$\\boxed{1}$\n\n$\\boxed{1}$", "1", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{1} \\boxed{2", NULL, PC_STAGE_NONE, 0, true },
    { "math", "\\boxed{\\boxed{1}, \\boxed{2}}", "\\boxed{1}, \\boxed{2}", PC_STAGE_BOXED, 2,
      false },
    { "math", "\\boxed 1 or \\boxed{2}", "\\boxed 1 or \\boxed{2}", PC_STAGE_BOXED, 2, false },
    { "math", "\\boxed{\\{1\\}}", "\\{1\\}", PC_STAGE_BOXED, 1, false },
    { "math", "a\n#### 18", "18", PC_STAGE_HASHES, 1, false },
    { "math", "#### Conclusion\nnothing", NULL, PC_STAGE_NONE, 0, false },
    { "math", "a\n####", NULL, PC_STAGE_NONE, 0, true },
    { "math", "#### 18\nbye", "18", PC_STAGE_HASHES, 1, false },
    { "math", "The answer is 3.5.", "3.5", PC_STAGE_MARKER, 1, false },
    { "math", "THE ANSWER IS: 3.5", "3.5", PC_STAGE_MARKER, 1, false },
    { "math", "The answer is $3.5$, as asked.", "3.5", PC_STAGE_MARKER, 1, false },
    { "math", "The answer is $5 and tax is $6", "$5 and tax is $6", PC_STAGE_MARKER, 1, false },
    { "math", "The answer is $41$ or $42$.", "41$ or $42", PC_STAGE_MARKER, 1, false },
    { "math", "**Final Answer**\n\\(x=2\\)", "x=2", PC_STAGE_MARKER, 1, false },
    /* each word, and what is only a part of one */
    { "math", "1 or 2: 3\nANSWER: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nAnswer: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nanswer: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\ncorrect option: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\ncorrect choice: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nr\xC3\xA9ponse: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nR\xC3\xA9ponse: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nrespuesta: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nRespuesta: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nantwort: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nAntwort: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nrisposta: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nRisposta: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nresposta: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\nResposta: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\n\xE7\xAD\x94\xE6\xA1\x88: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\n\xE7\xAD\x94\xE3\x81\x88: 42", "42", PC_STAGE_MARKER, 1, false },
    { "math", "1 or 2: 3\n\xD0\xBE\xD1\x82\xD0\xB2\xD0\xB5\xD1\x82: 42", "42", PC_STAGE_MARKER, 1,
      false },
    { "math", "1 or 2: 3\n\xD0\x9E\xD1\x82\xD0\xB2\xD0\xB5\xD1\x82: 42", "42", PC_STAGE_MARKER, 1,
      false },
    { "math", "\\(3\\) or swer: 42", "3", PC_STAGE_MATH, 1, false },
    { "math", "\\(3\\) or incorrect optional: 42", "3", PC_STAGE_MATH, 1, false },
    { "math", "\\(3\\) or posta: 42", "3", PC_STAGE_MATH, 1, false },
    { "math", "\\(3\\) or wort: 42", "3", PC_STAGE_MATH, 1, false },
    { "math", "The answer is", NULL, PC_STAGE_NONE, 0, true },
    { "math", "my answers vary; so $1$ or maybe \\[ 2 \\]", "2", PC_STAGE_MATH, 1, false },
    { "math", "$1$, $2$", "1$, $2", PC_STAGE_MATH, 1, false },
    { "math", "it costs $5", NULL, PC_STAGE_NONE, 0, false },
    { "math", "first **1**\nthen **2**", "2", PC_STAGE_BOLD, 1, false },
    { "math", "**1**\nthen", "1", PC_STAGE_BOLD, 1, false },
    { "math", "it is 41 or 42", NULL, PC_STAGE_NONE, 0, false },
    { "gsm8k", "it is 41 or 42.", "42", PC_STAGE_NUMBER, 1, false },
    { "gsm8k", "he has -$1,200.50.", "-$1,200.50", PC_STAGE_NUMBER, 1, false },
    { "gsm8k", "so\nA: 160", "160", PC_STAGE_MARKER, 1, false },
    { "strict", "The answer is 5", NULL, PC_STAGE_NONE, 0, false },
    { "math", "<think>\\boxed{1}</think>\\boxed{2}", "2", PC_STAGE_BOXED, 1, false },
    { "math", "<think>\\boxed{1}", NULL, PC_STAGE_NONE, 0, true },
    { "math", "\\boxed{1}</think> Hm.", NULL, PC_STAGE_NONE, 0, false },
    /* joined boxes, and what does not join */
    { "math", "\\boxed{42}\\boxed{43}", "\\boxed{42}\\boxed{43}", PC_STAGE_BOXED, 2, false },
    { "math", "$\\boxed{(2,2)} \\quad \\text{and} \\quad \\boxed{(6,2)}$",
      "\\boxed{(2,2)} \\quad \\text{and} \\quad \\boxed{(6,2)}", PC_STAGE_BOXED, 2, false },
    { "math", "\\boxed{(3,3)} \\text{ for part (a) and } \\boxed{(1,1)}",
      "\\boxed{(3,3)} \\text{ for part (a) and } \\boxed{(1,1)}", PC_STAGE_BOXED, 2, false },
    { "math", "\\boxed{1} papers and \\boxed{2} bins", "\\boxed{1} papers and \\boxed{2}",
      PC_STAGE_BOXED, 2, false },
    { "math", "\\\\boxed{1} \\\\text{ and } \\\\boxed{2}",
      "\\boxed{1} \\\\text{ and } \\\\boxed{2}", PC_STAGE_BOXED, 2, false },
    { "math", "\\boxed{1} and then \\boxed{2}", "2", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{1}, wait, actually \\boxed{2}", "2", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{1}, not this one and \\boxed{2}", "2", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{1} but \\boxed{2}", "2", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{1} and.\nAnd \\boxed{2}", "2", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{1} for the first of all the papers and \\boxed{2}", "2", PC_STAGE_BOXED, 1,
      false },
    { "math", "\\boxed{1} and and and or thus but \\boxed{2} and \\boxed{3}",
      "\\boxed{2} and \\boxed{3}", PC_STAGE_BOXED, 2, false },
    { "olympiad", "the final answer is \\boxed{1}, where the other is $y=$ \\boxed{2}.",
      "\\boxed{1}, where the other is $y=$ \\boxed{2}", PC_STAGE_BOXED, 2, false },
    { "olympiad", "Now \\boxed{1}. So it is \\boxed{2}", "2", PC_STAGE_BOXED, 1, false },
    { "olympiad", "first \\boxed{1}, but no, it is \\boxed{2}", "2", PC_STAGE_BOXED, 1, false },
    { "olympiad", "so it is $5$", NULL, PC_STAGE_NONE, 0, false },
    { "math", "\\\\boxed{004}", "004", PC_STAGE_BOXED, 1, false },
    { "math", "\\\\boxed{004", NULL, PC_STAGE_NONE, 0, true },
    { "math", "x \\in \\boxed{\\{-1\\} \\cup [0,7)}.$", "\\{-1\\} \\cup [0,7)", PC_STAGE_BOXED, 1,
      false },
    { "math", "\\boxed{}", NULL, PC_STAGE_NONE, 0, false },
    /* tags */
    { "math", "<answer>42</answer>", "42", PC_STAGE_TAG, 1, false },
    { "math", "\\boxed{1} <answer> 2 </answer>", "2", PC_STAGE_TAG, 1, false },
    { "math", "<answer>1</answer> no <answer>2</answer>", "2", PC_STAGE_TAG, 1, false },
    { "math", "<answer>1</answer> no <answer>2", "1", PC_STAGE_TAG, 1, false },
    { "math", "<answer>1", NULL, PC_STAGE_NONE, 0, true },
    { "math", "<answer>\\boxed{1</answer>", NULL, PC_STAGE_NONE, 0, true },
    { "math", "<answer></answer> is where \\boxed{4} goes", "4", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{4} <answer></answer>", NULL, PC_STAGE_NONE, 0, false },
    { "math", "<answer>The answer is 42.</answer>", "42", PC_STAGE_TAG, 1, false },
    { "math", "<think><answer>1</answer></think>\\boxed{5}", "5", PC_STAGE_BOXED, 1, false },
    { "strict", "<answer>42</answer>", NULL, PC_STAGE_NONE, 0, false },
    /* markers */
    { "math", "Final Answer: The final answer is $\\frac12$. I hope it is correct.", "\\frac12",
      PC_STAGE_MARKER, 1, false },
    { "math", "Final Answer: The largest $n$ is 34.", "34", PC_STAGE_MARKER, 1, false },
    { "math", "Final Answer: Jane started growing Sphere 3 hours ago.", "3", PC_STAGE_MARKER, 1,
      false },
    { "math", "Answer: $n$ = 34.", "34", PC_STAGE_MARKER, 1, false },
    { "math", "Answer: it took 3 people 4 hours to finish", "it took 3 people 4 hours to finish",
      PC_STAGE_MARKER, 1, false },
    { "math", "The answer is 5 or 6.", "5 or 6", PC_STAGE_MARKER, 1, false },
    { "math", "The answer is not 5.", "not 5", PC_STAGE_MARKER, 1, false },
    { "math", "The answer is 5, which is prime.", "5", PC_STAGE_MARKER, 1, false },
    { "math", "The answer: D, it doesn't make sense for it to be A or B", "D", PC_STAGE_MARKER, 1,
      false },
    { "math", "The answer is A, B and C", "A, B and C", PC_STAGE_MARKER, 1, false },
    { "math", "The answer is January 5.", "January 5", PC_STAGE_MARKER, 1, false },
    { "math", "The answer to part (a) is 12.", "12", PC_STAGE_MARKER, 1, false },
    { "math", "The answer must therefore be: 12", "12", PC_STAGE_MARKER, 1, false },
    { "math", "The answer is therefore 12", "12", PC_STAGE_MARKER, 1, false },
    { "math", "la r\xC3\xA9ponse est C", "C", PC_STAGE_MARKER, 1, false },
    { "math", "La respuesta es 42.", "42", PC_STAGE_MARKER, 1, false },
    { "math", "Die Antwort ist 42.", "42", PC_STAGE_MARKER, 1, false },
    { "math", "\xE7\xAD\x94\xE6\xA1\x88\xE6\x98\xAF\x34\x32\xE3\x80\x82", "42", PC_STAGE_MARKER, 1,
      false },
    { "math", "\xE7\xAD\x94\xE6\xA1\x88\xE4\xB8\xBA $\\frac12$", "\\frac12", PC_STAGE_MARKER, 1,
      false },
    { "math", "Therefore, x = 3", NULL, PC_STAGE_NONE, 0, false },
    { "math", "My response is 42", NULL, PC_STAGE_NONE, 0, false },
    { "minerva", "\\boxed{3}. The final answer is $4$. I hope it is correct.", "4", PC_STAGE_MARKER,
      1, false },
    { "minerva", "\\boxed{3}. The final answer is $\\boxed{4}$.", "4", PC_STAGE_BOXED, 1, false },
    { "minerva", "\\boxed{3}, the final answer is", "3", PC_STAGE_BOXED, 1, false },
    { "minerva", "The answer is 5, so \\boxed{6}", "6", PC_STAGE_BOXED, 1, false },
    /* what a template puts behind */
    { "math", "The answer is 42.</s>The answer is 43.", "42", PC_STAGE_MARKER, 1, false },
    { "math", "\\boxed{1}<|im_end|>\n<|im_start|>user\nand \\boxed{2}", "1", PC_STAGE_BOXED, 1,
      false },
    { "math", "42<|endoftext|>", "42", PC_STAGE_WHOLE, 1, false },
    /* math spans */
    { "math", "We find that $x \\neq 3$.", "x \\neq 3", PC_STAGE_MATH, 1, false },
    { "math", "$28$ pct", "28", PC_STAGE_MATH, 1, false },
    { "math", "Answer $ 9 $", "9", PC_STAGE_MATH, 1, false },
    { "math", "Answer $ \n 9 \n $", NULL, PC_STAGE_NONE, 0, false },
    { "math", "Answer \\[ \n 9 \n \\]", "9", PC_STAGE_MATH, 1, false },
    { "math", "so \\(1\\), \\(2\\) and \\(3\\)", "1\\), \\(2\\) and \\(3", PC_STAGE_MATH, 1,
      false },
    { "math", "it is \\left(\\begin{array}{c}1\\\\2\\end{array}\\right).",
      "\\left(\\begin{array}{c}1\\\\2\\end{array}\\right)", PC_STAGE_MATH, 1, false },
    { "math", "\\begin{array}{cc}1&0\\\\0&1\\end{array}",
      "\\begin{array}{cc}1&0\\\\0&1\\end{array}", PC_STAGE_WHOLE, 1, false },
    { "math", "some text \\begin{align}x\\end{align}", NULL, PC_STAGE_NONE, 0, false },
    /* bold */
    { "math", "We get **858\xE9\xA2\x97** now\nbye", "858\xE9\xA2\x97", PC_STAGE_BOLD, 1, false },
    { "math", "so **25%**.", "25%", PC_STAGE_BOLD, 1, false },
    { "math", "**Conclusion**: nothing", NULL, PC_STAGE_NONE, 0, false },
    { "math", "**Step 2:**\nnothing", NULL, PC_STAGE_NONE, 0, false },
    /* the whole text */
    { "math", "odd $n$", "odd $n$", PC_STAGE_WHOLE, 1, false },
    { "math", "so $n$", "n", PC_STAGE_MATH, 1, false },
    { "math", "g(x)=\\frac13((2x)^a) ", "g(x)=\\frac13((2x)^a)", PC_STAGE_WHOLE, 1, false },
    { "math", "1,000.99$", "1,000.99$", PC_STAGE_WHOLE, 1, false },
    { "math", "x < 1 or x > 3", "x < 1 or x > 3", PC_STAGE_WHOLE, 1, false },
    { "math", "42 because geometry proves it", "42 because geometry proves it", PC_STAGE_WHOLE, 1,
      false },
    { "math", "Perhaps 42, who knows", NULL, PC_STAGE_NONE, 0, false },
    { "math", "I do not know.", NULL, PC_STAGE_NONE, 0, false },
    { "math", "().__class__.__base__ or 0", NULL, PC_STAGE_NONE, 0, false },
    { "math", "[open('marker', 'w') for _ in [0]] or 0", NULL, PC_STAGE_NONE, 0, false },
    { "math", "?", NULL, PC_STAGE_NONE, 0, false },
    { "gsm8k", "16 - 3 - 4 = 9", "9", PC_STAGE_NUMBER, 1, false },
    { "gsm8k", "\\frac{1}{2}", "\\frac{1}{2}", PC_STAGE_WHOLE, 1, false },
    { "gsm8k", "it is 2 1/2 cups", "2 1/2", PC_STAGE_NUMBER, 1, false },
    { "gsm8k", "that is $3 + 4$. So she has 7 apples", "7", PC_STAGE_NUMBER, 1, false },
    { "gsm8k", "that is $3 + 4$ of 8 apples", "3 + 4", PC_STAGE_MATH, 1, false },
    { "aime", "\\boxed{073}", "73", PC_STAGE_BOXED, 1, false },
    { "aime", "\\boxed{000}", "0", PC_STAGE_BOXED, 1, false },
    { "aime", "\\boxed{0.5}", "0.5", PC_STAGE_BOXED, 1, false },
    { "aime", "The answer is 042.", "42", PC_STAGE_MARKER, 1, false },
    { "aime", "The answer is 1042.", NULL, PC_STAGE_NONE, 0, false },
    { "aime", "The answer is $x$", NULL, PC_STAGE_NONE, 0, false },
    { "math", "", NULL, PC_STAGE_NONE, 0, false },
    { "math", "   \n", NULL, PC_STAGE_NONE, 0, false },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const row *r = &rows[i];
        pc_rules rules;
        pc_found found;
        assert_true(pc_rules_preset(&rules, r->preset));
        pc_extract(&found, (assay_str){ r->text, strlen(r->text) }, &rules);
        bool right = r->answer ? found.text.data && pc_is(found.text, r->answer)
                               : !found.text.data && found.why;
        if (!right || found.stage != r->stage || (r->answer && found.n_list != r->n_list) ||
            found.truncated != r->truncated)
            fail_msg("\"%s\": got \"%.*s\" by %s, list of %u, truncated %d", r->text,
                     (int)found.text.len, found.text.data ? found.text.data : "",
                     pc_stage_name(found.stage), found.n_list, found.truncated);
    }
}

static void test_parts(void **state)
{
    (void)state;
    const char *text = "\\boxed{1}, $\\fbox{\\{2\\}}$ and \\boxed{3}";
    static const char *const parts[] = { "1", "\\{2\\}", "3" };
    pc_rules rules;
    pc_found found;
    assay_str part;
    size_t at = 0, n = 0;
    pc_rules_preset(&rules, "strict");
    pc_extract(&found, (assay_str){ text, strlen(text) }, &rules);
    assert_int_equal(found.n_list, 3);
    assert_int_equal(found.n_boxes, 3);
    while (pc_part_next(&found, &at, &part)) {
        assert_true(n < 3 && pc_is(part, parts[n]));
        n++;
    }
    assert_int_equal(n, 3);
}

static void test_gold(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { " $\\frac12$ ", "\\frac12" },
        { "\\boxed{3}", "3" },
        { "$5$ and $6$", "$5$ and $6$" },
        { "\\(x\\)", "x" },
        { "$\\boxed{3}$", "3" },
        { "\\$18", "\\$18" },

        { "x \\in \\boxed{\\{-1\\} \\cup [0,7)}.$", "\\{-1\\} \\cup [0,7)" },
        { " So it is: \\[ \\boxed{32349} \\]", "32349" },
        { "Long story, then \\boxed{1}, no: \\boxed{2}. Done.", "2" },
        { "$\\boxed{1}\\boxed{2}$", "\\boxed{1}\\boxed{2}" },
        { "\\\\boxed{004}", "004" },
        { "\\\\boxed{W(n) = 1 \\\\text{ and } W(n) = -1", "W(n) = 1 \\\\text{ and } W(n) = -1" },
        { "Ten less two.\n#### 8", "8" },
        { "#### $8$", "8" },
        { "it is #### 8", "it is #### 8" },
        { "1331 and 1728", "1331 and 1728" },
        { "$48$, $384$", "$48$, $384$" },
        { "$221,$8$", "$221,$8$" },
        { "$$x$$", "x" },
        { "\\[x\\]", "x" },
        { "$x=2$.", "x=2" },
        { "$2n$ !", "$2n$ !" },
        { "**5**", "**5**" },
        { "odd $n$", "odd $n$" },
        { "$18", "$18" },
        { "The answer is 5", "The answer is 5" },
        { "", "" }
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assay_str gold = pc_gold((assay_str){ pairs[i][0], strlen(pairs[i][0]) });
        if (!pc_is(gold, pairs[i][1]))
            fail_msg("gold of \"%s\" is \"%.*s\"", pairs[i][0], (int)gold.len, gold.data);
    }
}

static const struct {
    const char *text, *one, *last; /* what is taken, without and with `last_number` */
} prose[] = {
    { "Answer \\[ 9 \\]", "9", "9" },
    { "Answer \\( (9+1) \\)", "(9+1)", "(9+1)" },
    { "We get 42.", "42", "42" },
    { "\xE6\xAF\x94\xE4\xBE\x8B\xE4\xB8\xBA"
      "13/28",
      "13/28", "13/28" },
    { "\\text{The answer is }5", "5", "5" },
    { "We get -1,200.50 dollars", "-1,200.50", "-1,200.50" },
    { "We get $5", "$5", "$5" },
    { "That is 33.5 percent", "33.5 percent", "33.5 percent" },
    { "858\xE9\xA2\x97", "858", "858" },
    { "\xE9\x9D\xA2\xE7\xA7\xAF = 72000 / 18 = 4000\xE5\x8D\x83", NULL, "4000" },
    { "r\xC3\xA9ponse est (35 + 70 = 105).", NULL, "105" },
    { "so the number is 10 which is 1,000.99m\xC2\xB2", NULL, "1,000.99" },
    { "not it's not 10 it's 1,000.99m\xC2\xB2", NULL, "1,000.99" },
    { "I think it is 41 or 42", NULL, NULL },
    { "It is 41 and then also 42", NULL, NULL },
    { "It is 41, 42", NULL, NULL },
    { "either $41$ or $42$", NULL, NULL },
    { "It is 41. No, it is not 42", NULL, NULL },
    { "It is not 42", NULL, NULL },
    { "It isn't 42", NULL, NULL },
    { "It is 42 or more", NULL, NULL },
    { "at least 42", NULL, NULL },
    { "more than 42", NULL, NULL },
    { "4 hundred", NULL, NULL },
    { "\xE4\xB8\x8D\xE6\x98\xAF"
      "42",
      NULL, NULL },
    { "().__class__.__base__ or 0", NULL, NULL },
    { "(1).__class__.__mro__[1].__subclasses__() or 0", NULL, NULL },
    { "[open('marker', 'w') for _ in [0]] or 0", NULL, NULL },
    { "__import__('os').system('x') or 42", NULL, NULL },
    { "exit(42)", NULL, NULL },
    { "os.path is 42", NULL, NULL },
    { "AZYUK2A", NULL, NULL },
    { "We get 42x", NULL, NULL },
    { "We get 42 x", NULL, "42" },
    { "the 3rd", NULL, NULL },
    { "We get 2^10", NULL, NULL },
    { "We get \\frac{1}{2}", NULL, NULL },
    { "42", NULL, NULL },
    { "x = 41 = 42", NULL, NULL },
    { "x > 5 dollars", NULL, NULL },
    { "(1, 2)", NULL, NULL },
    { "B. 42", NULL, NULL },
    { "100!", NULL, NULL },
    { "we meet at 2:30", NULL, NULL },
    { "we need 3-4 apples", NULL, NULL },
    { "\xE2\x80\xAE" /* NOLINT(misc-misleading-bidirectional): that is the case */
      "24 in all",
      NULL, NULL },
    { "it is sin 5", NULL, NULL },
    { "$42$", NULL, NULL },
    { "blue", NULL, NULL },
    { "", NULL, NULL },
};

static void test_prose(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof prose / sizeof *prose; i++)
        for (int last = 0; last < 2; last++) {
            pc_found found;
            const char *want = last ? prose[i].last : prose[i].one;
            bool any = pc_answer_in_prose((assay_str){ prose[i].text, strlen(prose[i].text) },
                                          last == 1, &found);
            bool right = any == (want != NULL) && (!any || pc_is(found.text, want));
            if (!right || found.from_prose != any || (!any && (found.text.data || !found.why)))
                fail_msg("\"%s\" (last number: %d): got \"%.*s\"", prose[i].text, last,
                         any ? (int)found.text.len : 0, any ? found.text.data : "");
        }
}

static void test_options(void **state)
{
    (void)state;
    pc_rules rules;
    pc_found found;
    assert_true(pc_rules_preset(&rules, "math"));
    pc_rules_set(&rules, PC_STAGE_NUMBER, true);
    assert_true(pc_rules_has(&rules, PC_STAGE_NUMBER));
    pc_extract(&found, PC_LIT("it is 41, no: 42 in all"), &rules);
    assert_true(pc_is(found.text, "42") && found.stage == PC_STAGE_NUMBER);
    assert_true(pc_rules_preset(&rules, "gsm8k"));
    pc_rules_set(&rules, PC_STAGE_NUMBER, false);
    pc_extract(&found, PC_LIT("it is 41, no: 42 in all"), &rules);
    assert_null(found.text.data);
    pc_rules_set(&rules, PC_STAGE_TAG, false);
    pc_extract(&found, PC_LIT("\\boxed{1} <answer>2</answer>"), &rules);
    assert_true(pc_is(found.text, "1"));
    assert_false(pc_rules_preset(&rules, "best"));
    for (size_t k = 0; pc_preset_names[k]; k++)
        assert_true(pc_rules_preset(&rules, pc_preset_names[k]));
    pc_extract(&found, PC_LIT("Final Answer: The largest $n$ is 34."), &rules);
    assert_null(found.text.data); /* strict is the last */
}

static void test_from_prose(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool from_prose;
    } pairs[] = { { "Answer: The largest $n$ is 34.", true },
                  { "Answer: 34", false },
                  { "The answer is that we need 3 more apples", true },
                  { "\\boxed{34}", false } };
    pc_rules rules;
    pc_rules_preset(&rules, "math");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        pc_found found;
        pc_extract(&found, (assay_str){ pairs[i].text, strlen(pairs[i].text) }, &rules);
        assert_int_equal(found.from_prose, pairs[i].from_prose);
    }
}

/* A list as one text, and backslashes that were doubled. */
static void test_texts(void **state)
{
    (void)state;
    pc_buf b = { 0 };
    pc_found found;
    pc_rules rules;
    pc_rules_preset(&rules, "math");
    pc_extract(&found, PC_LIT("\\boxed{42}\\boxed{43} and $\\boxed{x, y}$"), &rules);
    pc_found_text(&found, &b);
    assert_true(pc_is(pc_buf_str(&b), "42, 43, x, y"));
    pc_buf_clear(&b);
    pc_extract(&found, PC_LIT("\\boxed{42}"), &rules);
    pc_found_text(&found, &b);
    assert_true(pc_is(pc_buf_str(&b), "42"));
    assert_true(pc_backslashes_doubled(PC_LIT("\\\\left(\\\\frac{1}{5},2\\\\right)")));
    assert_false(pc_backslashes_doubled(PC_LIT("\\begin{pmatrix}1\\\\ab\\end{pmatrix}")));
    assert_false(pc_backslashes_doubled(PC_LIT("1\\\\2")));
    assert_false(pc_backslashes_doubled(PC_LIT("x\\\\")));
    assert_false(pc_backslashes_doubled(PC_LIT("")));
    pc_buf_clear(&b);
    pc_halve_backslashes(PC_LIT("\\\\frac12 \\\\\\\\ \\\\text{a}\\"), &b);
    assert_true(pc_is(pc_buf_str(&b), "\\frac12 \\\\ \\text{a}\\"));
    pc_buf_fini(&b);
}

/* An answer before the window counts no more, and what is left of the text is not the whole. */
static void test_window(void **state)
{
    (void)state;
    enum { SIZE = 2 * PC_EXTRACT_WINDOW };
    /* NOLINTBEGIN(bugprone-not-null-terminated-result): pieces of a text with a length */
    char *text = malloc(SIZE);
    assert_non_null(text);
    memset(text, ' ', SIZE);
    memcpy(text, "\\boxed{1}", 9);
    memcpy(text + SIZE - 3, "42\n", 3);
    pc_rules rules;
    pc_found found;
    pc_rules_preset(&rules, "math");
    pc_extract(&found, (assay_str){ text, SIZE }, &rules);
    assert_null(found.text.data);
    memcpy(text + SIZE - 30, "<|im_end|>", 10); /* a turn that ended far on the right */
    memcpy(text + SIZE - 60, "\\boxed{3}", 9);
    /* NOLINTEND(bugprone-not-null-terminated-result) */
    pc_extract(&found, (assay_str){ text, SIZE }, &rules);
    assert_true(pc_is(found.text, "3"));
    free(text);
}

/* Every text of a repeated piece, with and without an ending: no crash, the answer inside the text,
 * the ending found. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const pieces[] = { "{",
                                          "}",
                                          "\\",
                                          "$",
                                          "$$",
                                          "\\boxed{",
                                          "\\boxed",
                                          "\\fbox{1}",
                                          "\\boxed{1}, ",
                                          "\\(",
                                          "\\]",
                                          "\\$",
                                          "answer",
                                          "answer is ",
                                          "Answer: ",
                                          "#### ",
                                          "**",
                                          "<think>",
                                          "</think>",
                                          "<answer>",
                                          "1",
                                          "\\boxed{\\boxed{",
                                          "$ ",
                                          "answer is $",
                                          "\n\n",
                                          "WwWw",
                                          "<",
                                          "<|im_start|>user",
                                          "</answer>",
                                          "\xE7\xAD\x94\xE6\xA1\x88",
                                          "answer to ",
                                          "\\(1\\), ",
                                          "$1$, ",
                                          "\\begin{array}",
                                          "\\end{array}",
                                          "\\boxed{1} a b and " };
    enum { SIZE = 200000 };
    char *text = malloc(SIZE + 64);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t n = strlen(pieces[i]), len = 0;
        for (; len + n <= SIZE; len += n)
            memcpy(text + len, pieces[i], n);
        for (int ended = 0; ended < 2; ended++) {
            static const char end[] = " so it is \\boxed{42}";
            if (ended) {
                memcpy(text + len, end, sizeof end);
                len += sizeof end - 1;
            }
            text[len] = 0;
            pc_rules rules;
            pc_found found;
            pc_rules_preset(&rules, "gsm8k");
            pc_extract(&found, (assay_str){ text, len }, &rules);
            if (found.text.data)
                assert_true(found.text.data >= text &&
                            found.text.data + found.text.len <= text + len);
            if (ended && strcmp(pieces[i], "<think>") != 0 && !strstr(pieces[i], "answer>") &&
                strcmp(pieces[i], "<|im_start|>user") != 0 && !strstr(pieces[i], "{"))
                assert_true(found.text.data && pc_is(found.text, "42"));
        }
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_parts),
        cmocka_unit_test(test_gold),    cmocka_unit_test(test_prose),
        cmocka_unit_test(test_options), cmocka_unit_test(test_from_prose),
        cmocka_unit_test(test_texts),   cmocka_unit_test(test_window),
        cmocka_unit_test(test_hostile)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
