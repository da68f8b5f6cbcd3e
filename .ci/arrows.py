#!/usr/bin/env python3
"""arrows.py -- which room may include which (docs/ARCHITECTURE.md). Called by arrows.sh.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent
PLUGIN_H, ASSAY_H = "assay/plugin.h", "assay/assay.h"
# room: (rooms it may include beside itself, public headers)
ROOMS = {
    "host/base": ("", {PLUGIN_H}),
    "host/jobs": ("base", {PLUGIN_H}),
    "host/data": ("base", {PLUGIN_H, ASSAY_H}),
    "host/plug": ("base data jobs sandbox", {PLUGIN_H, ASSAY_H}),
    "host/reward": ("base data jobs plug", {PLUGIN_H}),
    "host/eval": ("base data jobs plug", {PLUGIN_H, ASSAY_H}),
    "host/audit": ("base", {PLUGIN_H}),
    "host/model": ("base kernels", {PLUGIN_H}),
    "host/train": ("base data model kernels", {PLUGIN_H}),
    "host/exam": ("base data jobs plug eval model train", {PLUGIN_H}),
    "host/remote": ("base", {PLUGIN_H}),
    "host/report": ("base data eval", {PLUGIN_H}),
    "host/cli": ("base data jobs plug reward eval audit sandbox kernels model train exam remote report ttrl", {PLUGIN_H, ASSAY_H}),
    "host/api": ("base data jobs plug eval", {PLUGIN_H, ASSAY_H}),
    "sandbox": ("sandbox", set()),
    "ttrl": ("ttrl base plug", set()),
    "kernels": ("kernels", set()),
    "plugins/*": ("common", {PLUGIN_H}),
    "examples/*": ("", {PLUGIN_H, ASSAY_H}),
    "include/assay": ("", {PLUGIN_H}),
}
WHOLE = ("sandbox", "kernels", "ttrl")  # their folders are one room


def problem(path, quote, target):
    """Why this file must not include `target`, or None."""
    parts = path.relative_to(SOURCE).parts
    room = parts[0] if parts[0] in WHOLE else "/".join(parts[:2])
    others, public = ROOMS.get(room) or ROOMS.get(parts[0] + "/*") or (None, None)
    if others is None:
        return None
    if target.startswith("assay/"):
        return None if target in public else f"may not include <{target}>"
    if quote == "<":
        return None  # the system's or a library's: the linker watches those
    first = target.split("/")[0]
    own = parts[1]
    if "/" not in target:
        here = (path.parent / target).exists()
        common = parts[0] == "plugins" and (SOURCE / "plugins/common" / target).exists()
        return None if here or common else f'"{target}" is neither here nor shared with this folder'
    if target.startswith(".."):
        within = room in WHOLE and (path.parent / target).resolve().is_relative_to(SOURCE / room)
        return None if within else "reaches out of its folder"
    if first == own or first in others.split():
        return None
    return f'{room} may include {", ".join([own] + others.split())}; not {first}'


def main():
    files = [p for top in ("host", "plugins", "include", "examples", "sandbox", "kernels", "ttrl")
             for p in (SOURCE / top).rglob("*")
             if p.suffix in (".c", ".h", ".cpp", ".cu")]
    found = seen = 0
    for path in sorted(files):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not m:
                continue
            seen += 1
            why = problem(path, m.group(1), m.group(2))
            if why:
                found += 1
                print(f"{path.relative_to(SOURCE)}:{number}: {why}")
    print(f"arrows: {len(files)} files, {seen} includes, {found} against the arrows")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
