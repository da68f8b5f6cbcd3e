#!/usr/bin/env python3
"""make.py -- writes golden.json: templates of our own and what transformers' renderer makes of them, and what the compiled-in
families must give. Needs transformers, and trl for the families that it has templates of.

usage: python3 make.py >golden.json. SPDX-License-Identifier: Apache-2.0
"""
import importlib.util
import json
import pathlib

from transformers.utils import chat_template_utils as hf

CHAT = [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "  Hi\nthere "},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello é."}, {"role": "user", "content": "7*6?"},
        {"role": "assistant", "content": "42", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1.5, "s": "a\"<b>'", "l": [1, None, True]}}}]}]
TEMPLATES = {
    "loop": "{% for m in messages %}\n  {% if loop.first %}first{% elif loop.last %}last {{ loop.index }}/{{ loop.length }}{% else %}{{ loop.index0 }}{% endif %}\n"
            "{{ m['role'] }}: {{ m.content | trim }}\n{% endfor %}\nend\n",
    "loop more": "{% for m in messages %}{{ loop.revindex }},{{ loop.revindex0 }},{{ loop.previtem.role if not loop.first }},{{ loop.nextitem.role if not loop.last }};{% endfor %}",
    "loop if else": "{% for m in messages if m.role == 'user' %}[{{ loop.index }} {{ loop.last }} {{ m.content }}]{% else %}none{% endfor %}"
                    "{% for m in messages if m.role == 'tool' %}x{% else %}none{% endfor %}",
    "break continue": "{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i > 5 %}{% break %}{% endif %}{{ i }}{% endfor %}.",
    "scope": "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 7 %}{% endif %}{{ x }}",
    "namespace": "{% set ns = namespace(n=0, s='') %}{% for m in messages %}{% set ns.n = ns.n + m.content|length %}{% set ns.s = ns.s ~ loop.index %}{% endfor %}{{ ns.n }} {{ ns.s }}",
    "set": "{% set a, b = 1, 'two' %}{{ a }}{{ b }}{% set c %}block {{ a + 1 }}\n{% endset %}[{{ c }}]{% set t = (1, 2) %}{{ t }}{{ (1,) }}{{ () }}",
    "set scope": "{% set a = 1 %}{% set b %}{% set a = 2 %}{{ a }}{% endset %}{{ b }}{{ a }}{{ 2.5 is divisibleby 0.5 }}{{ [1, 2] < [1, 3] }}{{ ['b', 1] | replace(1, 'x') }}{{ none | map('upper') | list }}",
    "macro": "{% macro tag(name, body='-', n=2) %}<{{ name * n }}>{{ body }}{{ outside }}</{{ name }}>{% endmacro %}{% set outside = '!' %}"
             "{{ tag('a') }}{{ tag('b', n=1) }}{% for i in [1] %}{% set outside = '?' %}{{ tag('c', i) }}{% endfor %}",
    "white space": "a\n   {%- if true -%}   \n b \n {%- endif %}   \n  {% if true %}  \n  c\n  {% endif %}\n{# comment #}\n  {#- tight -#}  \n d {{- ' e ' -}} f\n   {%+ if true %}g{% endif %}\n\n",
    "white space beside output": "{{ 1 }}  {% if true %}a{% endif %}  {% if true %}b{% endif %}\n  {{ 2 }}  {# c #}  {% if true %}c{% endif %}",
    "white space lines": "\r\n{% set x = 1 %}\r\nx\r\n\n  {{ x }}\n  {% set y = 2 %}  \n{{ y }}",
    "slices": "{{ messages[1:]|length }}{{ messages[-1].content }}{{ messages[::-1][0].role }}{{ 'héllo'[1:3] }}{{ 'hello'[::-2] }}{{ 'abc'[-2] }}{{ [1,2,3][:-1] }}{{ [1,2,3,4][3:0:-1] }}{{ 'abc'[5:] }}{{ messages[10] is defined }}{{ [1, 2, 3][-9::-1] }}{{ [1, 2, 3][:-9:-1] }}{{ [1, 2, 3][9::-1] }}{{ 'abc'[-9:2] }}",
    "strings": "{{ ' a b  c '.split() }}{{ 'a,b,,c'.split(',') }}{{ 'a,b,c'.split(',', 1) }}{{ 'xxaxx'.strip('x') }}{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'bc')) }}"
               "{{ 'aXbX'.replace('X', '-') }}{{ 'aXbX'.replace('X', '-', 1) }}{{ 'Ab'.upper() }}{{ 'éA'.lower() }}{{ 'hello world'.capitalize() }}{{ 'a\\nb'.splitlines() }}{{ 'abcb'.find('b') }}{{ 'a-b-c'.rsplit('-', 1) }}{{ ','.join(['a', 'b']) }}{{ 'ab'.removeprefix('a') }}",
    "literals": "{{ 'a\\tb\\'c\\\"\\\\d\\x41\\u00e9\\q' }}{{ \"x\" \"y\" 'z' }}{{ 1 }}{{ 1.50 }}{{ 2.0 }}{{ true }}{{ none }}{{ [1, 'a', none, true, 1.0, [2], {'k': 'v'}] }}{{ {'a': 1, 'b': [1, 2]} }}{{ \"it's\" }}{{ [\"it's\", 'q\"', '\\n', 'both \\' and \"'] }}",
    "arithmetic": "{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 2 ** 10 }} {{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ 'a' ~ 1 ~ none ~ true }} {{ 'ab' * 3 }} {{ -2 ** 2 }} {{ 5.5 // 2 }} {{ [1] + [2] }} {{ 0.1 + 0.2 }} {{ 1e3 if false else 1 }}"
                  .replace("{{ 1e3 if false else 1 }}", "{{ 1 if false }}"),
    "compare": "{{ 1 < 2 <= 2 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ 'a' in 'cat' }} {{ 'x' not in ['y'] }} {{ 'role' in messages[0] }} {{ not 1 == 2 }} {{ 1 and 'x' }} {{ '' or 'y' }} {{ none == false }} {{ [1, 2] == [1, 2] }} {{ 'b' if false else 'c' if false else 'd' }} {{ true == 1 }}",
    "tests": "{% for v in [1, 1.5, 'a', none, true, [1], {'a': 1}, nothing] %}{{ v is defined }},{{ v is string }},{{ v is number }},{{ v is integer }},{{ v is float }},{{ v is boolean }},{{ v is none }},{{ v is mapping }},{{ v is iterable }},{{ v is sequence }},{{ v is true }},{{ v is not false }};{% endfor %}"
             "{{ 3 is odd }}{{ 4 is divisibleby 2 }}{{ 2 is eq(2) }}{{ 1 is in [1] }}{{ 2 is ge 3 }}{{ none is sameas none }}",
    "undefined": "[{{ nothing }}][{{ messages[0].nothing }}][{{ nothing is undefined }}][{{ nothing | default('d') }}][{{ '' | default('e', true) }}][{{ nothing or 'f' }}][{% for x in nothing %}x{% endfor %}][{{ 'a' ~ nothing }}][{{ messages[0].get('role') }}{{ messages[0].get('z', 1) }}{{ messages[0].get('z') }}]",
    "tojson": "{{ messages[4].tool_calls | tojson }}\n{{ messages[4].tool_calls[0] | tojson(indent=2) }}\n{{ [] | tojson(indent=2) }}{{ {} | tojson(indent=4) }}{{ 'é\\n\\x01' | tojson }}{{ 'é🙂' | tojson(ensure_ascii=true) }}{{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }}{{ [1, 2] | tojson(separators=(',', ':')) }}",
    "filters": "{{ [3, 1, 2] | sort }}{{ ['b', 'A', 'c'] | sort | join('-') }}{{ ['b', 'A'] | sort(reverse=true, case_sensitive=true) }}{{ [1, 2, 3] | first }}{{ [1, 2] | last }}{{ [1, 1, 2] | unique | list }}{{ ['a', 'A', 'b'] | unique | join }}{{ messages | sort(attribute='role') | map(attribute='content') | list }}{{ [1, 5, 2] | max }}{{ [4, 2] | min }}{{ 'abc' | reverse }}{{ [1, 2] | reverse | list }}{{ ' x ' | trim | upper }}"
               "{{ 'hello big-world (of) things' | title }}{{ '12' | int + 1 }}{{ 'x' | int }}{{ '1.5' | float }}{{ -3 | abs }}{{ {'b': 1, 'a': 2} | dictsort }}{{ {'b': 1, 'a': 2} | items | list }}{{ 'abc' | list }}{{ 'abc' | length }}{{ {'a': 1} | length }}{{ messages | map(attribute='role') | join(',') }}"
               "{{ ['a', 'b'] | map('upper') | list }}{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{{ messages | rejectattr('tool_calls', 'defined') | list | length }}{{ [0, 1, ''] | select | list }}{{ [1, 2, 3] | reject('odd') | list }}{{ 'a\nb\n\nc' | indent(2) }}{{ 'a\nb' | indent(3, true) }}{{ 5 | string + '!' }}{{ 'a-b' | replace('-', '+') }}{{ '<b>' | safe }}",
    "items": "{% for k, v in messages[4].tool_calls[0].function.arguments.items() %}{{ k }}={{ v }};{% endfor %}{% for k in {'x': 1, 'y': 2} %}{{ k }}{% endfor %}{% for a, b in [[1, 2], 'cd'] %}{{ a }}{{ b }}{% endfor %}{{ {'x': 1}.keys() | list }}{{ {'x': 1}.values() | list }}",
    "generation": "{%- for m in messages %}{{ '<|' + m.role + '|>' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}é<end>{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}",
    "thinking": "{%- for m in messages %}{% set c = m.content.split('</think>')[-1].lstrip('\\n') if '</think>' in m.content else m.content %}{{ m.role + '\\n' + c + '\\n' }}{%- endfor %}{% if add_generation_prompt %}assistant\n{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}",
    "one tag at the end": "{{ bos_token }}{% if tools is none and documents is none %}ok{% endif %}\n",
    "range": "{{ range(3) | list }}{{ range(1, 4) | list }}{{ range(5, 0, -2) | list }}{{ dict(a=1, b='c') }}",
}
TURNS = [CHAT[:2], CHAT[1:2], CHAT[1:4], [CHAT[1], CHAT[2]], [{"role": "system", "content": "S"}, CHAT[1], {"role": "assistant", "content": "plain"}]]


def own(family, turns, prompt):
    """The families that trl has no template of, written again."""
    out = ""
    if family == "smollm2" and turns[0]["role"] != "system":
        out += "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
    for m in turns:
        if family == "plain":
            out += m["content"]
        elif family == "zephyr":
            out += f"<|{m['role']}|>\n{m['content']}</s>\n"
        else:
            out += f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n"
    return out + ({"plain": "", "zephyr": "<|assistant|>\n"}.get(family, "<|im_start|>assistant\n") if prompt else "")


def families():
    folder = pathlib.Path(importlib.util.find_spec("trl").origin).parent / "chat_templates"
    known = {"qwen2.5": "qwen2_5", "qwen3": "qwen3", "llama3": "llama3"}
    for family in ("plain", "chatml", "qwen2.5", "qwen3", "llama3", "smollm2", "zephyr"):
        for turns in TURNS:
            for prompt in (False, True):
                for extra in ({}, {"enable_thinking": False}) if family == "qwen3" else ({},):
                    text = own(family, turns, prompt)
                    if family in known:
                        template = hf._compile_jinja_template((folder / f"{known[family]}.jinja").read_text(encoding="utf-8"))
                        text = template.render(messages=turns, tools=None, documents=None, add_generation_prompt=prompt,
                                               bos_token="<|begin_of_text|>", **extra)
                    yield {"family": family, "messages": turns, "prompt": prompt, "variables": extra, "text": text}


def main():
    cases = []
    for name, template in TEMPLATES.items():
        compiled = hf._compile_jinja_template(template)
        variables = {"messages": CHAT, "tools": None, "documents": None, "add_generation_prompt": True, "bos_token": "<s>", "enable_thinking": False}
        spans = []
        if "{% generation" in template:
            text, found = hf._render_with_assistant_indices(compiled, CHAT, None, None, True, bos_token="<s>", enable_thinking=False)
            spans = [[len(text[:a].encode()), len(text[:b].encode())] for a, b in found]
        else:
            text = compiled.render(**variables)
        cases.append({"name": name, "template": template, "text": text, "spans": spans})
    print(json.dumps({"variables": variables, "templates": cases, "families": list(families())}, indent=0, ensure_ascii=True))


main()
