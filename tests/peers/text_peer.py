"""tests/peers/text_peer.py -- our side of a comparison: build/../text_peer as an object. SPDX-License-Identifier: Apache-2.0"""
import json
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent


class Ours:
    def __init__(self):
        binary = pathlib.Path(os.environ.get("ASSAY_BUILD", SOURCE / "build" / "dev")) / "text_peer"
        self.child = subprocess.Popen([str(binary)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **what):
        self.child.stdin.write(json.dumps(what).encode() + b"\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            sys.exit(f"text_peer ended: {self.child.wait()}; asked {str(what)[:2000]}")
        return json.loads(line)


def skip(name, why):
    print(f"SKIP {name}: {why}")
    sys.exit(77)
