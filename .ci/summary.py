#!/usr/bin/env python3
"""summary.py JUNIT.xml... -- what ctest's results say, in one last line: "N passed, M skipped: names" or
"N passed, K failed: names" (exit 1). Failures are shown in full above it, skips with their reason.

SPDX-License-Identifier: Apache-2.0
"""
import re
import sys
import xml.etree.ElementTree as tree


def output(case):
    return (case.findtext("system-out") or "").strip()


def reason(case):
    """The test's own "SKIP name: reason" line, else what ctest says."""
    said = re.findall(r"^.*\bSKIP\b[: ].*$", output(case), re.M)
    if said:
        return said[-1].strip()
    return case.find("skipped").get("message", "no reason given")


def main(paths):
    passed, skipped, failed = [], [], []
    for path in paths:
        # ctest passes bytes of a test's output through; XML allows fewer
        text = open(path, encoding="utf-8", errors="replace").read()
        text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)
        for case in tree.fromstring(text).iter("testcase"):
            if case.find("skipped") is not None:
                skipped.append(case)
            elif case.get("status") == "run" and case.find("failure") is None:
                passed.append(case)
            else:
                failed.append(case)
    for case in sorted(passed, key=lambda c: -float(c.get("time", 0)))[:3]:
        print(f"slowest  {case.get('name')}: {float(case.get('time', 0)):.1f} s")
    for case in skipped:
        print(f"skipped  {case.get('name')}: {reason(case)}")
    for case in failed:
        print(f"\nFAILED   {case.get('name')} ({case.get('time')} s)\n{output(case)[-6000:]}")

    def names(cases):
        return ": " + ", ".join(sorted({c.get("name") for c in cases})) if cases else ""

    if failed:
        print(f"{len(passed)} passed, {len(failed)} failed{names(failed)}")
        return 1
    print(f"{len(passed)} passed, {len(skipped)} skipped{names(skipped)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
