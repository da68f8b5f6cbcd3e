#!/usr/bin/env python3
"""Chat templates against transformers' own renderer: every template that trl ships (read where it is installed, not copied), on
conversations of many shapes. What we refuse by name is counted and shown; what both render must be the same text, and the
same generation spans.

usage: peer_chat.py [-v]. SPDX-License-Identifier: Apache-2.0
"""
import datetime
import importlib.util
import pathlib
import sys

from text_peer import Ours, skip

try:
    from transformers.utils import chat_template_utils as peer
    TRL = pathlib.Path(importlib.util.find_spec("trl").origin).parent / "chat_templates"
except (ImportError, AttributeError) as e:
    skip("chat", str(e))

TOOL = {"type": "function", "function": {"name": "weather", "description": "What it's like \"outside\" <now> é", "parameters": {
    "type": "object", "properties": {"city": {"type": "string", "description": "where", "enum": ["A", "B"]},
                                     "days": {"type": "integer"}, "deep": {"type": "object", "properties": {"x": {"type": "number"}}},
                                     "many": {"type": "array", "items": {"type": "string"}}},
    "required": ["city"]}, "return": {"type": "string"}}}
CALL = {"type": "function", "id": "call_0001", "function": {"name": "weather", "arguments": {"city": "Zürich", "days": 2, "x": 1.5, "ok": True,
                                                                                           "no": None, "l": [1, "a"]}}}
USER = {"role": "user", "content": "  Hi\nthere <b> 'you' "}
CHATS = [
    [USER],
    [{"role": "system", "content": " Be brief. "}, USER],
    [USER, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "7*6?"}],
    [{"role": "system", "content": "S"}, USER, {"role": "assistant", "content": "<think>\nlong\n</think>\n\n42"}, {"role": "user", "content": "?"},
     {"role": "assistant", "content": "<think>\nmore\n</think>\n\n43 \n"}],
    [USER, {"role": "assistant", "content": "a", "reasoning_content": "because"}],
    [USER, {"role": "assistant", "content": "", "tool_calls": [CALL]}, {"role": "tool", "name": "weather", "tool_call_id": "call_0001", "content": "rain"},
     {"role": "assistant", "content": "It rains."}],
    [USER, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "name": "weather", "content": "[1, 2]"}, {"role": "tool", "name": "weather", "content": "b"}],
    [{"role": "user", "content": [{"type": "text", "text": "part"}, {"type": "text", "text": " two"}]}],
    [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what?"}]}, {"role": "assistant", "content": [{"type": "text", "text": "cat"}]}],
    [{"role": "assistant", "content": "first"}, USER],
    [USER, USER],
    [{"role": "developer", "content": "D"}, USER, {"role": "assistant", "content": "x"}],
    [],
]
EXTRA = [{}, {"tools": [TOOL]}, {"enable_thinking": False}, {"enable_thinking": True, "tools": [TOOL, TOOL]},
         {"tools": [TOOL], "custom_tools": [TOOL], "tools_in_user_message": False}]
NOW = 1700000000


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, tz)


def theirs(text, variables):
    """(text, spans in bytes) or None where it refuses."""
    compiled = peer._compile_jinja_template(text)
    variables = dict(variables)
    try:
        if "{% generation" in text.replace("{%-", "{%"):
            rendered, spans = peer._render_with_assistant_indices(compiled, variables.pop("messages"), variables.pop("tools"),
                                                                  variables.pop("documents"), variables.pop("add_generation_prompt"), **variables)
            return rendered, [[len(rendered[:a].encode()), len(rendered[:b].encode())] for a, b in spans]
        return compiled.render(**variables), []
    except Exception as e:  # noqa: BLE001 -- whatever the template or Jinja say
        return str(e), None


def main():
    peer.datetime = Clock
    ours, verbose = Ours(), "-v" in sys.argv
    same = refused_both = 0
    lacking, differ = {}, []
    templates = sorted(TRL.glob("*.jinja"))
    for path in templates:
        text = path.read_text(encoding="utf-8")
        for chat in CHATS:
            for extra in EXTRA:
                for prompt in (False, True):
                    variables = {"messages": chat, "tools": None, "documents": None, "add_generation_prompt": prompt,
                                 "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", **extra}
                    mine = ours.ask(template=text, variables=variables, now=NOW)
                    want, spans = theirs(text, variables)
                    if spans is None and "error" in mine:
                        refused_both += 1
                    elif "error" in mine and "is not implemented" in mine["error"]:
                        lacking.setdefault(mine["error"].split(": ", 2)[2][:90], set()).add(path.name)
                    elif spans is not None and mine.get("text") == want and mine["spans"] == spans:
                        same += 1
                    else:
                        differ.append((path.name, chat, extra, prompt, mine, want, spans))
    for what, names in sorted(lacking.items()):
        print(f"refused: {what}: {', '.join(sorted(names))}")
    print(f"{len(templates)} templates: {same} renderings the same, {refused_both} refused by both, {len(differ)} differ, "
          f"{len(templates) - len({n for s in lacking.values() for n in s})} templates without a refusal of ours")
    for name, chat, extra, prompt, mine, want, spans in differ[:20 if verbose else 3]:
        print(f"--- {name} {chat} {extra} {prompt}\nours:   {mine}\ntheirs: {want!r} {spans}")
    names = sorted({d[0] for d in differ})
    if differ:
        print("differ:", ", ".join(names))
    sys.exit(1 if differ else 0)


main()
