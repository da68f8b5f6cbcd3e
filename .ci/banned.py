#!/usr/bin/env python3
"""banned.py -- functions we do not call, and where the few exceptions live (HACKING.md). Comments and strings are not
code. Called by banned.sh.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent
UNBOUNDED = "strcpy strcat sprintf vsprintf gets strtok strtok_r stpcpy"
# rule: (functions, folders it holds in, paths that are excepted, why)
RULES = [
    (UNBOUNDED, "host plugins include examples tests kernels ttrl", "", "writes or cuts without a length"),
    ("atoi atol atof strtol strtoul strtoll strtoull", "host plugins include examples kernels ttrl", "host/base/ plugins/common/",
     "cannot tell an error: use the wrapper in base (host) or common (plugins)"),
    ("system popen", "host plugins include examples tests kernels ttrl", "", "a shell between us and the program"),
    ("rand srand random", "host plugins include examples kernels ttrl", "", "hidden state: use the counter-based generator"),
    ("localtime gmtime signal", "host plugins include examples tests kernels ttrl", "", "process-wide state"),
    ("setlocale", "host plugins include examples kernels ttrl", "host/plug/check_load.c",
     "process-wide state (the one exception asks, in a child, whether a plugin changed it)"),
    ("alloca", "host plugins include examples tests kernels ttrl", "", "unchecked stack"),
    ("malloc calloc realloc strdup strndup asprintf vasprintf", "host", "host/base/mem.c",
     "memory comes from base/mem.c or an arena, where a test can make it fail"),
    ("dlclose", "host plugins include examples tests kernels ttrl", "", "plugins are never unloaded (docs/PLUGINS.md)"),
    ("fork vfork", "host plugins include examples kernels ttrl", "host/plug/check",
     "a host with threads must not fork: as_spawn"),
]


def code_of(text):
    """The text with comments and literals blanked, lines kept."""
    pattern = r'/\*.*?\*/|//[^\n]*|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def main():
    files = [p for p in SOURCE.rglob("*") if p.suffix in (".c", ".h", ".cpp")
             and p.relative_to(SOURCE).parts[0] in ("host", "plugins", "include", "examples", "tests", "kernels")]
    found = 0
    for path in sorted(files):
        name = path.relative_to(SOURCE).as_posix()
        code = code_of(path.read_text(encoding="utf-8"))
        for words, folders, excepted, why in RULES:
            if name.split("/")[0] not in folders.split() or any(name.startswith(e) for e in excepted.split()):
                continue
            for m in re.finditer(r"(?<![\w.>])(%s)\s*\(" % "|".join(words.split()), code):
                line = code.count("\n", 0, m.start()) + 1
                print(f"{name}:{line}: {m.group(1)}(): {why}")
                found += 1
    print(f"banned: {len(files)} files, {found} calls of banned functions")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
