"""LiveCodeBench's rows. Their private tests are JSON, or base64(zlib(pickle)) of one string that is JSON: whoever loads a
pickle runs what it says, so it is read by something that knows strings and nothing else.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import binascii
import io
import json
import pickle
import zlib

MOST = 1 << 29  # bytes of one row's private tests, unpacked
# What LiveCodeBench puts in front of every solution, but for modules that nothing needs and that are slow to load.
IMPORTS = "".join(f"from {m} import *\n" for m in ("string", "re", "collections", "heapq", "bisect", "copy", "math", "random",
                                                   "itertools", "functools", "operator", "typing")) + \
    "".join(f"import {m}\n" for m in ("string", "re", "collections", "heapq", "bisect", "copy", "math", "random", "itertools",
                                      "functools", "operator", "sys"))


class Refused(ValueError):
    """A row that is not what it should be; says which part and why."""


class Strings(pickle.Unpickler):
    """Anything but plain data needs a name to be looked up, or an object from outside: there are none."""

    def find_class(self, module, name):
        raise Refused(f"its pickle asks for {module}.{name}, which would be run; only a string is read")

    def persistent_load(self, what):
        raise Refused("its pickle asks for an object from outside; only a string is read")

    def get_extension(self, code):
        raise Refused("its pickle asks for a registered object; only a string is read")


def unpack(packed):
    """The text of base64(zlib(pickle of a string))."""
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b64decode(packed.encode("ascii"), validate=True), MOST)
    except (binascii.Error, UnicodeError, zlib.error) as error:
        raise Refused(f"neither JSON nor base64 of zlib: {error}") from None
    if inflate.unconsumed_tail:
        raise Refused(f"more than {MOST >> 20} MiB unpacked")
    if not inflate.eof:
        raise Refused("its zlib stream is cut short")
    try:
        text = Strings(io.BytesIO(data)).load()
    except Refused:
        raise
    except Exception as error:  # whatever a malformed pickle makes of itself
        raise Refused(f"its pickle is malformed: {error}") from None
    if type(text) is not str:
        raise Refused(f"its pickle holds a {type(text).__name__}, not a string")
    return text


def cases_of(field):
    """[{"input", "output", "testtype"}] from a field: the list, its JSON, or that packed."""
    if isinstance(field, str):
        try:
            field = json.loads(field)
        except ValueError:
            try:
                field = json.loads(unpack(field))
            except ValueError as error:
                raise error if isinstance(error, Refused) else Refused(f"no JSON: {error}") from None
    if not isinstance(field, list) or not all(isinstance(c, dict) and isinstance(c.get("input"), str) and
                                              isinstance(c.get("output"), str) for c in field):
        raise Refused("not a list of tests with an input and an output")
    return field


def reference_of(row, public_only=False):
    cases = []
    for name in ("public_test_cases",) if public_only else ("public_test_cases", "private_test_cases"):
        try:
            cases += cases_of(row.get(name) or [])
        except Refused as error:
            raise Refused(f"{row.get('question_id', '?')}: {name}: {error}") from None
    kinds = {c.get("testtype", "stdin") for c in cases}
    inputs, outputs = [c["input"] for c in cases], [c["output"] for c in cases]
    if kinds == {"functional"}:
        metadata = row.get("metadata") or {}
        metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
        return {"fn_name": metadata["func_name"], "inputs": inputs, "outputs": outputs, "prefix": IMPORTS}
    if kinds != {"stdin"}:
        raise Refused(f"{row.get('question_id', '?')}: tests of the kinds {sorted(map(str, kinds))}")
    return {"stdin": inputs, "stdout": outputs, "compare": "decimal", "prefix": IMPORTS}


def prompt_of(row):
    text = row["question_content"].rstrip() + "\n"
    if row.get("starter_code"):
        return text + "\nComplete this code:\n\n```python\n" + row["starter_code"].rstrip() + "\n```\n"
    return text + "\nRead the input from stdin and write the answer to stdout.\n"
