"""plus.py -- rows of HumanEval+ and MBPP+ as EvalPlus publishes them: which arguments JSON could not hold, and which
tasks are not judged by equality alone. The facts are EvalPlus 0.3.1's; tasks are named as there.

SPDX-License-Identifier: Apache-2.0
"""
import math

# JSON knows lists only. A word per argument says what it is: "." as it stands, t a tuple, l a list whose elements are
# as the next letter says; a star: all arguments so.
SHAPES = {
    "t*": (2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809),
    "lt*": (63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780),
    "lt .": (75, 413, 444, 753),
    ". t": (106, 750),
    "t .": (250, 405, 446, 617, 720, 763, 808),
    "t . .": (307,),
    "tt*": (259, 401, 445),
    "t? *": (278,),
    "deep*": (580, 615, 791),
    "sets": (115,),
    "values .": (722,),
    "float complex": (124,),
    "complex": (252,),
}
SHAPE = {number: shape for shape, numbers in SHAPES.items() for number in numbers}


def deep(v):
    return tuple(map(deep, v)) if isinstance(v, list) else v


WORDS = {
    ".": lambda v: v,
    "t": tuple,
    "lt": lambda v: [tuple(x) for x in v],
    "tt": lambda v: tuple(tuple(x) for x in v),
    "t?": lambda v: tuple(tuple(x) if isinstance(x, list) else x for x in v),
    "deep": deep,
    "sets": lambda v: [set(x) if isinstance(x, list) and x else {} for x in v],
    "values": lambda v: {k: tuple(x) for k, x in v.items()},
    "float": float,
    "complex": complex,
}


def arguments(task_id, row):
    """An argument list as the solution gets it."""
    family, number = task_id.split("/")
    shape = SHAPE.get(int(number)) if family.startswith("Mbpp") else None
    if shape is None:
        return tuple(row)
    if shape.endswith("*"):
        return tuple(WORDS[shape.rstrip("* ")](v) for v in row)
    words = shape.split() + ["."] * len(row)
    return tuple(WORDS[w](v) for w, v in zip(words, row))


# ---- what else will do -----------------------------------------------------------------------------------------------

AS_SETS = {"similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum",
           "intersection_array", "find_dissimilar", "Diff"}
NOT_NONE = {"check_str", "text_match_three", "text_starta_endb"}


def slant_surface(base, height):
    """The height from the base to the apex."""
    return round(base ** 2 + 2 * base * math.sqrt((base / 2) ** 2 + height ** 2))


def padded_distance(a, b):
    """Digit by digit, the shorter number with zeros in front."""
    a, b = str(a), str(b)
    n = max(len(a), len(b))
    return sum(abs(int(x) - int(y)) for x, y in zip(a.zfill(n), b.zfill(n)))


ALSO = {"sum_div": lambda *_: 0, "surface_Area": slant_surface, "digit_distance_nums": padded_distance}


def oracle(row):
    """How a task's values are compared, where not by equality: for a reference's "oracle", or None."""
    name, mbpp = row["entry_point"], row["task_id"].startswith("Mbpp")
    if not mbpp:
        return "root" if name == "find_zero" else None
    if name == "are_equivalent":
        return "any"
    return "set" if name in AS_SETS else "not_none" if name in NOT_NONE else None


def also(row, inputs):
    """For each call the other values that will do, or None where there are none."""
    other = ALSO.get(row["entry_point"]) if row["task_id"].startswith("Mbpp") else None
    return None if other is None else [[other(*args)] for args in inputs]


def is_floats(v):
    return isinstance(v, float) or (isinstance(v, (list, tuple)) and v and all(isinstance(x, float) for x in v))
