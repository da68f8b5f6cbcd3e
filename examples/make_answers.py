#!/usr/bin/env python3
"""Writes examples/answers.jsonl: forty problems of our own, eight answers each, as language models write them.

The answers are made up, not sampled from a model; the same seed gives the same file. Styles: thoughts in <think>, boxes,
"####", "the answer is", bold; right answers in several equal forms (1/2, 0.5, 50/100), wrong ones, blanks, texts cut off,
hedges. In some groups the right answer is split over several spellings, so that a vote over texts elects a wrong one and a
vote over answers does not.

    python3 examples/make_answers.py > examples/answers.jsonl

SPDX-License-Identifier: Apache-2.0
"""
import json
import random

# (prompt, reference, forms that equal it, wrong answers)
PROBLEMS = [
    ("A recipe for 12 rolls needs 9 cups of flour. How many cups are needed for 2 rolls?", r"\frac{3}{2}",
     ["1.5", r"\frac32", r"1\frac{1}{2}", "3/2"], ["6", r"\frac{2}{3}", "1.2"]),
    ("What is the probability that two fair coins show different sides?", r"\frac12",
     ["0.5", r"\frac{1}{2}", r"\frac{2}{4}", r"50\%"], [r"\frac14", r"\frac{1}{3}", "0.25"]),
    ("A stadium has 25 blocks of 480 seats. How many seats are there?", "12,000",
     ["12000", r"12{,}000", r"12\,000", r"1.2 \times 10^4"], ["1200", "12,500", "10,000"]),
    ("Solve 3x + 7 = 25.", "6", ["x = 6", "6", r"\frac{18}{3}", "6.0"], ["x = 7", "32/3", "5"]),
    ("Find all real solutions of x^2 - 5x + 6 = 0.", r"\{2, 3\}", ["2, 3", "x = 2 or x = 3", r"\{3, 2\}", "3, 2"],
     ["2", "-2, -3", r"\{1, 6\}"]),
    ("In which point do the lines y = 2x - 1 and y = x + 1 meet?", "(2, 3)",
     ["(2,3)", r"\left(2, 3\right)", "(2.0, 3)"], ["(3, 2)", "(1, 2)", "2"]),
    ("What is 15% of 240?", "36", ["36", "36.0", r"\frac{144}{4}"], ["3.6", "360", "24"]),
    ("A train travels 210 km in 2.5 hours. What is its average speed in km/h?", "84",
     ["84", r"84 \text{ km/h}", "84.0"], ["525", "80", "105"]),
    ("Write 0.375 as a fraction in lowest terms.", r"\frac{3}{8}", [r"\frac38", "3/8", "0.375"], [r"\frac{3}{7}", "375", r"\frac{5}{8}"]),
    ("What is the median of 3, 9, 4, 15 and 8?", "8", ["8", "8.0"], ["4", "7.8", "9"]),
    ("How many degrees does an interior angle of a regular hexagon have?", r"120^\circ",
     ["120", r"120^{\circ}", "120°", r"120 \text{ degrees}"], ["60", r"720^\circ", "108"]),
    ("A shirt costs $40 after a discount of 20%. What did it cost before?", r"\$50", ["50", r"\$50", "50 dollars", r"\$50.00"],
     ["48", r"\$32", "60"]),
    ("Compute 7/12 - 1/4.", r"\frac13", [r"\frac{1}{3}", "1/3", r"\frac{4}{12}"], [r"\frac{6}{8}", "0.33", r"\frac{1}{2}"]),
    ("How many ways are there to choose 2 of 7 books?", "21", ["21", "21"], ["42", "14", "49"]),
    ("What is the remainder of 100 divided by 7?", "2", ["2", "2"], ["14", "1", "3"]),
    ("Light travels about 300,000 km in a second. How many km in a minute?", r"1.8 \times 10^7",
     ["18,000,000", "18000000", r"18 \times 10^6", "1.8e7"], [r"1.8 \times 10^6", "5000", "300,060"]),
    ("The sum of three consecutive integers is 72. What is the largest?", "25", ["25", "25"], ["24", "23", "26"]),
    ("A square has an area of 2.25. How long is its side?", "1.5", [r"\frac{3}{2}", "1.5", r"1\frac12", "1.50"], ["1.25", "0.5625", "1.125"]),
    ("List the prime numbers between 10 and 20.", "11, 13, 17, 19",
     [r"\{11, 13, 17, 19\}", "11, 13, 17 and 19", "19, 17, 13, 11"], ["11, 13, 17", "11, 13, 15, 17, 19", "13, 17, 19"]),
    ("What is 2/3 of 3/4?", r"\frac{1}{2}", [r"\frac{6}{12}", "0.5", r"\frac12", "1/2"], [r"\frac{8}{9}", r"\frac{5}{7}", "0.6"]),
    ("Ana reads 18 pages a day. How many days does she need for 414 pages?", "23", ["23", r"23 \text{ days}", "23 days"], ["22", "24", "7452"]),
    ("Evaluate (-2)^3 + 5.", "-3", ["-3", r"-3", "-3.0"], ["13", "3", "-1"]),
    ("What is the slope of the line through (1, 4) and (3, 3)?", r"-\frac{1}{2}", ["-0.5", r"\frac{-1}{2}", "-1/2", r"-\frac12"],
     [r"\frac12", "-2", "2"]),
    ("Seven friends share 3 pizzas equally. What part of a pizza does each get?", r"\frac{3}{7}", ["3/7", r"\frac37"],
     [r"\frac{7}{3}", "0.43", "2.33"]),
    ("What are the next two terms of 2, 6, 18, ...?", "54, 162", ["54, 162", "54 and 162", r"\{54, 162\}"], ["54, 108", "36, 72", "162"]),
    ("How many seconds are there in 2.5 hours?", "9000", ["9,000", "9000", r"9{,}000", "9000 seconds"], ["150", "5400", "900"]),
    ("What is the greatest common divisor of 84 and 126?", "42", ["42", "42"], ["21", "252", "14"]),
    ("On which interval is 3 < 2x - 1 <= 9?", "(2, 5]", ["(2,5]", r"\left(2, 5\right]", "(2, 5.0]"], ["[2, 5]", "(2, 5)", "(1, 4]"]),
    ("A bag holds 4 red and 6 blue balls. What is the probability of red?", r"\frac{2}{5}", ["0.4", r"40\%", r"\frac{4}{10}", "2/5"],
     [r"\frac{2}{3}", "0.6", "4"]),
    ("What is the perimeter of a rectangle with sides 3.5 cm and 2 cm?", r"11 \text{ cm}", ["11", "11 cm", "11.0"], ["7", "5.5", r"11 \text{ m}"]),
    ("What is 1 - 1/10 - 1/100?", "0.89", [r"\frac{89}{100}", "0.89", "89/100", r"89\%"], ["0.9", "0.99", r"\frac{88}{100}"]),
    ("A tank fills in 4 hours by one pipe and 12 hours by another. How many hours with both?", "3", ["3", "3 hours", r"\frac{12}{4}"],
     ["8", "16", r"\frac13"]),
    ("Is 91 a prime number?", r"\text{No}", ["no", r"\text{No}", "No"], ["yes", r"\text{Yes}"]),
    ("What is 4.5 divided by 0.03?", "150", ["150", "150.0", r"\frac{450}{3}"], ["15", "0.135", "1500"]),
    ("The angles of a triangle are x, 2x and 3x. What is x in degrees?", "30", [r"30^\circ", "x = 30", "30"], ["60", "36", "90"]),
    ("What is the mean of 1/2 and 1/3?", r"\frac{5}{12}", ["5/12", r"\frac{10}{24}"], [r"\frac{2}{5}", r"\frac56", "0.4167"]),
    ("How many diagonals does a convex octagon have?", "20", ["20", "20"], ["28", "40", "16"]),
    ("A car loses 10% of its value each year. It cost 20,000. What is it worth after two years?", "16,200",
     ["16200", r"16{,}200", r"\$16,200", r"16\,200"], ["16000", "18000", "16,250"]),
    ("Solve |x - 1| = 4.", r"\{-3, 5\}", ["-3, 5", "x = 5 or x = -3", r"\{5, -3\}"], ["5", "3, 5", r"\{-5, 3\}"]),
    ("What is 3^4 + 4^3?", "145", ["145", "145"], ["144", "24", "337"]),
]

SPLIT = (1, 3, 8, 19)  # problems where the texts of the right answer are scattered and a wrong text leads them

OPENINGS = ["Let me work this out step by step.", "First I write down what is given.", "We set it up carefully.",
            "This can be done directly.", "I will check the result at the end."]
MIDDLES = ["Putting the numbers in and simplifying gives the value below.", "Combining both steps leaves one number.",
           "The intermediate results agree with each other.", "After cancelling, little is left to do."]


def styled(rng, answer):
    """One answer as one of the usual texts around it."""
    opening, middle = rng.choice(OPENINGS), rng.choice(MIDDLES)
    plain = not any(c in answer for c in "\\{^")
    styles = [f"{opening} {middle}\n\n$$\\boxed{{{answer}}}$$",
              f"<think>\n{opening} Hmm, {middle.lower()}\n</think>\n\nThe result is $\\boxed{{{answer}}}$.",
              f"{opening}\n\n{middle}\n\nThe final answer is $\\boxed{{{answer}}}$.",
              f"{opening} {middle} Therefore, the answer is ${answer}$."]
    if plain:
        styles += [f"{opening}\n{middle}\n#### {answer}", f"{opening} {middle}\n\n**Answer:** {answer}",
                   f"{middle}\n\nSo it is **{answer}**"]
    return rng.choice(styles)


def broken(rng, answer):
    """No answer to judge: blank, cut off, a thought without an end, nothing said."""
    opening = rng.choice(OPENINGS)
    return rng.choice(["", f"{opening} {rng.choice(MIDDLES)} Hence \\boxed{{{answer}",
                       f"<think>\n{opening} Wait, is that so? Let me see again", f"{opening} I am not sure how to go on."])


def hedge(rng, right, wrong):
    return f"{rng.choice(OPENINGS)} It is $\\boxed{{{right}}}$ or $\\boxed{{{wrong}}}$."


def group_answers(rng, index, reference, forms, wrong):
    if index in SPLIT:  # four spellings of the right answer, three times the same wrong text
        texts = [styled(rng, f) for f in (forms + [reference])[:4]] + [styled(rng, wrong[0]) for _ in range(3)]
        texts.append(broken(rng, wrong[1]))
    else:
        skill = rng.choice([0.25, 0.5, 0.75, 0.9])
        texts = []
        for _ in range(8):
            draw = rng.random()
            if draw < 0.06:
                texts.append(broken(rng, reference))
            elif draw < 0.09:
                texts.append(hedge(rng, rng.choice(forms), rng.choice(wrong)))
            else:
                texts.append(styled(rng, rng.choice(forms) if rng.random() < skill else rng.choice(wrong)))
    rng.shuffle(texts)
    return texts


def main():
    rng = random.Random(20260101)
    for index, (prompt, reference, forms, wrong) in enumerate(PROBLEMS):
        for sample, completion in enumerate(group_answers(rng, index, reference, forms, wrong)):
            row = {"id": f"p{index + 1:02d}-{sample}", "group": f"p{index + 1:02d}", "prompt": prompt,
                   "reference": reference, "completion": completion}
            print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
