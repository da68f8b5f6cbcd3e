#!/usr/bin/env python3
"""Random templates against Jinja as transformers sets it up: where both give a text it is the same text, and we give one where
Jinja does unless we say what is not implemented (we may take what it refuses). Python's errors and our refusals need not agree in words.

usage: peer_jinja.py [SEED [N]]. SPDX-License-Identifier: Apache-2.0
"""
import collections
import json
import random
import sys

from text_peer import Ours, skip

try:
    from jinja2.exceptions import UndefinedError
    from transformers.utils import chat_template_utils as peer
except ImportError as e:
    skip("jinja", str(e))

VALUES = {"s": "Héllo wörld", "e": "", "n": 7, "m": -3, "f": 2.5, "t": True, "none": None, "l": [3, 1, 2], "w": ["b", "A", "c"], "x": [],
          "d": {"k": "v", "a": 1, "z": [1, 2]}, "msgs": [{"role": "user", "content": " hi\n"}, {"role": "assistant", "content": "<a>b</a>c"},
                                                        {"role": "tool", "content": None, "n": 3}]}
SPACES = ["", " ", "\n", "  \n", "\n  ", "x", " y ", "é\n"]


ATOMS = {"s": ["s", "e", "'a'", "'b c'", "''", "'\\n'", "'é\\t'", "d.k", "msgs[0].content", "msgs[1].role", "w[0]", "'10'"],
         "n": ["n", "m", "f", "1", "0", "-2", "1.5", "l[1]", "d['a']", "msgs[2].n"], "b": ["t", "true", "false", "s", "x", "none", "nothing", "n"],
         "l": ["w", "['a', 'b', 'a']", "[]", "d.keys()|list", "s.split()"], "d": ["d", "{'k': 1, 'j': 'x'}", "msgs[0]"], "m": ["msgs"]}
RULES = {
    "s": [lambda e: f"{e('s')} + {e('s')}", lambda e: f"{e('s')} ~ {e('n')}", lambda e: f"({e('s')})|trim", lambda e: f"({e('s')})|upper",
          lambda e: f"({e('s')})|capitalize", lambda e: f"({e('s')})|title", lambda e: f"({e('l')})|join({e('s')})", lambda e: f"({e('d')})|tojson",
          lambda e: f"({e('l')})|tojson(indent=2)", lambda e: f"({e('n')})|string", lambda e: f"({e('s')})|replace('l', {e('s')})", lambda e: f"({e('s')})|indent(2)",
          lambda e: f"({e('s')})[1:3]", lambda e: f"({e('s')})[::-1]", lambda e: f"({e('s')})[:-1]", lambda e: f"({e('s')})[({e('n')})|int:]", lambda e: f"({e('s')}).strip()",
          lambda e: f"({e('s')}).lstrip({e('s')})", lambda e: f"({e('s')}).rstrip('d')", lambda e: f"({e('s')}).replace({e('s')} ~ 'l', 'X')", lambda e: f"nothing|default({e('s')})",
          lambda e: f"{e('s')}|default({e('s')}, true)", lambda e: f"({e('d')}).get('k', {e('s')})|string", lambda e: f"({e('s')}).split('l')[0]", lambda e: f"({e('s')})|lower",
          lambda e: f"({e('s')}).split('</a>')[-1].lstrip('\\n')", lambda e: f"({e('s')}) * 2", lambda e: f"({e('l')})|string", lambda e: f"({e('d')})|dictsort|string",
          lambda e: f"({e('b')})|string", lambda e: f"({e('l')})|reverse|join", lambda e: f"({e('s')})|reverse", lambda e: f"({e('s')}).removesuffix('d')"],
    "n": [lambda e: f"{e('n')} + {e('n')}", lambda e: f"{e('n')} - {e('n')} * {e('n')}", lambda e: f"({e('n')}) // 3", lambda e: f"({e('n')}) % 3", lambda e: f"({e('n')}) / 4",
          lambda e: f"({e('s')})|length", lambda e: f"({e('l')})|count", lambda e: f"({e('s')})|int", lambda e: f"({e('n')})|abs", lambda e: f"[{e('n')}, {e('n')}]|max",
          lambda e: f"({e('s')}).find('l')", lambda e: f"-({e('n')})", lambda e: f"[{e('n')}, 2]|sort|first", lambda e: f"({e('s')})|float", lambda e: f"({e('m')})|length",
          lambda e: f"({e('s')}).count('l')", lambda e: f"({e('n')})|int ** 2", lambda e: f"({e('d')})|length"],
    "b": [lambda e: f"{e('n')} < {e('n')}", lambda e: f"{e('s')} == {e('s')}", lambda e: f"not {e('b')}", lambda e: f"({e('b')} and {e('b')})", lambda e: f"({e('b')} or {e('b')})",
          lambda e: f"{e('s')} in {e('s')}", lambda e: f"{e('s')} not in {e('l')}", lambda e: f"'k' in {e('d')}", lambda e: f"({e('s')}) is string", lambda e: f"({e('l')}) is not mapping",
          lambda e: f"nothing is defined or {e('b')}", lambda e: f"({e('n')})|int is odd", lambda e: f"({e('s')}).startswith({e('s')})", lambda e: f"({e('s')}).endswith(('d', 'c'))",
          lambda e: f"({e('n')}) is divisibleby 2 if ({e('n')}) is integer else none", lambda e: f"{e('l')} == {e('l')}", lambda e: f"({e('b')}) is true", lambda e: f"1 <= {e('n')} <= 5",
          lambda e: f"({e('n')}) is number", lambda e: f"({e('s')}).isdigit()", lambda e: f"{e('l')} < {e('l')}"],
    "l": [lambda e: f"{e('l')} + {e('l')}", lambda e: f"[{e('s')}, {e('s')}]", lambda e: f"({e('l')})|sort", lambda e: f"({e('l')})[1:]", lambda e: f"({e('l')})[::-1]",
          lambda e: f"({e('s')}).split()", lambda e: f"({e('s')}).split('l', 1)", lambda e: f"({e('l')})|map('upper')|list", lambda e: f"({e('m')})|map(attribute='role')|list",
          lambda e: f"({e('l')})|select('string')|list", lambda e: f"({e('l')})|unique|list", lambda e: f"({e('s')})|list", lambda e: f"({e('s')}).splitlines()",
          lambda e: f"({e('l')})|reject('equalto', {e('s')})|list", lambda e: f"({e('s')}).rsplit('l', 1)", lambda e: f"({e('l')})|sort(reverse=true, case_sensitive=true)"],
    "d": [lambda e: f"{{'k': {e('s')}, 'q': {e('n')}}}", lambda e: f"({e('m')})[0]", lambda e: f"dict(k={e('s')})", lambda e: "msgs|first"],
    "m": [lambda e: "msgs[1:]", lambda e: f"msgs|selectattr('role', 'equalto', {e('s')})|list", lambda e: "msgs|rejectattr('n', 'defined')|list", lambda e: "msgs[::-1]"],
}


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def pick(self, *options):
        return self.rng.choice(options)

    def expression(self, depth, kind=None):
        """Of a kind: s(tring), n(umber), b(ool), l(ist of strings), d(ictionary), m(essage)."""
        kind = kind or self.pick(*"sssnnbbld")
        e = lambda k: self.expression(depth - 1, k)  # noqa: E731
        if depth <= 0:
            return self.pick(*ATOMS[kind])
        if self.rng.random() < 0.1:
            return f"({e(kind)} if {e('b')} else {e(kind)})"
        return self.rng.choice(RULES[kind])(e)

    def tag(self, text):
        return "{%" + self.pick("", "", "-", "+") + " " + text + " " + self.pick("", "", "-") + "%}"

    def block(self, depth):
        space = lambda: self.rng.choice(SPACES)  # noqa: E731
        kind = self.rng.randrange(9) if depth > 0 else 0
        e, b = lambda: self.expression(2), lambda: self.expression(2, "b")  # noqa: E731
        if kind < 3:
            return space() + "{{" + self.pick("", "-") + " " + self.expression(3) + " " + self.pick("", "-") + "}}" + space()
        inner = "".join(self.block(depth - 1) for _ in range(self.rng.randrange(1, 3)))
        if kind == 3:
            return space() + self.tag(f"if {b()}") + inner + self.tag(f"elif {b()}") + space() + self.tag("else") + self.block(0) + self.tag("endif")
        if kind == 4:
            where = self.pick("", f" if {b()}")
            return space() + self.tag(f"for i in {self.expression(2, 'l')}{where}") + inner + "{{ loop.index }}" + self.tag("else") + "none" + self.tag("endfor") + space()
        if kind == 5:
            return self.tag(f"set {self.pick('u', 'v')} = {e()}") + space() + inner
        if kind == 6:
            return self.tag("set v") + inner + self.tag("endset") + "{{ v }}"
        if kind == 7:
            return self.tag(f"macro g(a, b={self.expression(0)})") + "{{ a }}" + inner + self.tag("endmacro") + "{{ g(" + e() + ") }}"
        return "{#" + self.pick("", "-") + " c " + self.pick("", "-") + "#}" + space() + inner


def main():
    rng = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 6000
    ours, maker = Ours(), Maker(rng)
    same = both = lenient = 0
    verbose = "-v" in sys.argv
    lacking, differ = collections.Counter(), []
    for _ in range(n):
        template = "".join(maker.block(2) for _ in range(rng.randrange(1, 3)))
        mine = ours.ask(template=template, variables=VALUES)
        try:
            want = peer._compile_jinja_template(template).render(**json.loads(json.dumps(VALUES)))
        except Exception as e:  # noqa: BLE001 -- Python's or Jinja's, any
            both += "error" in mine
            lenient += "text" in mine and not isinstance(e, (TypeError, UndefinedError))
            if "text" in mine and verbose:
                print(f"more than Jinja: {template!r} {e!r}")
            continue
        if mine.get("text") == want:
            same += 1
        elif "error" in mine and ("not implemented" in mine["error"] or "cannot be printed" in mine["error"]):
            lacking[mine["error"].split(": ", 2)[2]] += 1
        else:
            differ.append((template, mine, want))
    print(f"{same} the same, {both} refused by both, {lenient} only by Jinja, {sum(lacking.values())} not implemented, {len(differ)} differ of {n}")
    for template, mine, want in differ[:12]:
        print(f"--- {template!r}\nours:   {mine}\ntheirs: {want!r}")
    sys.exit(1 if differ else 0)


main()
