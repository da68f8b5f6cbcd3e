"""bench/common.py -- what every bench shares: arguments, machine, timing, peak memory, claims, the last line.

SPDX-License-Identifier: Apache-2.0

A bench is one executable script bench/NAME:

    #!/usr/bin/env python3
    '''One sentence: the claim this bench checks.'''
    from common import Bench
    bench = Bench(__doc__)
    assay = bench.assay()                       # build/release/assay; exit 2 with the cure if absent
    runs = bench.interleave({"ours": [assay, "version"], "true": ["true"]}, rounds=20)
    bench.table(["what", "median ms"], [[n, 1e3 * r.seconds] for n, r in runs.items()])
    bench.claim("start-up of `assay version`, ms", 1e3 * runs["ours"].seconds, "<=", 10)
    bench.finish()                              # table of claims, JSON as the last line, exit code

`--quick` must end within 50 s: read bench.quick and use smaller sizes; a claim that needs the full run passes
value None there and is printed with "ok": null. A full run is written to bench/results/NAME.json.
"""
import argparse
import datetime
import json
import math
import operator
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("ASSAY_BENCH_BUILD", SOURCE / "build" / "release"))
RESULTS = SOURCE / "bench" / "results"
OPS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq}


class Run:
    """One finished process. peak_kib is the kernel's ru_maxrss: exact above this script's own memory, which is its
    floor (a child starts as a copy of us), so keep big data out of a bench that measures memory."""

    def __init__(self, argv, rc, seconds, cpu_seconds, peak_kib, stdout, stderr):
        self.argv, self.rc, self.seconds, self.cpu_seconds = argv, rc, seconds, cpu_seconds
        self.peak_kib, self.stdout, self.stderr = peak_kib, stdout, stderr
        self.all_seconds = [seconds]


def run(argv, stdin=None, stdout=None, env=None, cwd=None, ok=(0,), timeout=None):
    """Runs argv to its end. stdin: path, bytes or None (empty). stdout: path, or None: kept in Run.stdout.
    A return code outside `ok` ends the bench with the command's stderr; ok=None accepts all."""
    argv = [str(a) for a in argv]
    with tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as kept, tempfile.TemporaryFile() as fed:
        if isinstance(stdin, bytes):
            fed.write(stdin)
            fed.seek(0)
            source = fed
        else:
            source = open(stdin or os.devnull, "rb")
        sink = open(stdout, "wb") if stdout else kept
        start = time.monotonic()
        child = subprocess.Popen(argv, stdin=source, stdout=sink, stderr=err, cwd=cwd,
                                 env={**os.environ, **(env or {})})
        rc, usage = _reap(child, timeout)
        seconds = time.monotonic() - start
        if source is not fed:
            source.close()
        if stdout:
            sink.close()
        kept.seek(0)
        err.seek(0)
        done = Run(argv, rc, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, kept.read(), err.read())
    if ok is not None and rc not in ok:
        tail = done.stderr.decode("utf-8", "replace")[-2000:]
        sys.exit(f"bench: `{' '.join(argv)}` ended with {rc} (expected {', '.join(map(str, ok))})\n{tail}")
    return done


def _reap(child, timeout):
    """wait4 for the usage of this child alone; a polling wait only where a timeout asks for it."""
    if timeout is None:
        _, status, usage = os.wait4(child.pid, 0)
    else:
        end = time.monotonic() + timeout
        pid = 0
        while not pid:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if not pid and time.monotonic() > end:
                child.kill()
                _, status, usage = os.wait4(child.pid, 0)
                break
            if not pid:
                time.sleep(0.002)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage


def machine():
    """What the figures depend on, without naming the host."""
    model = platform.machine()
    try:
        for line in open("/proc/cpuinfo", encoding="utf-8"):
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except OSError:
        memory = math.nan
    release = ".".join(platform.release().split(".")[:2])
    system = platform.system()
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        pass
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory, 1),
            "system": system, "kernel": release, "python": platform.python_version()}


def commit():
    """Short hash of the source, with "+" when files differ from it; "unknown" outside a checkout."""
    try:
        head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=SOURCE, capture_output=True, text=True,
                              check=True).stdout.strip()
        dirty = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no", "--", ".",
                                ":!bench/results", ":!docs/BENCHMARKS.md"], cwd=SOURCE, capture_output=True, text=True,
                               check=True).stdout.strip()
        return head + ("+" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def shown(value):
    """A number for people: four significant digits, thousands separated."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or (value == int(value) and abs(value) >= 1000):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 10000 else f"{value:.4g}"


class Bench:
    def __init__(self, doc, arguments=None, name=None):
        """arguments: called with the ArgumentParser to add a bench's own options (read them from bench.args)."""
        self.name = name or pathlib.Path(sys.argv[0]).stem
        parser = argparse.ArgumentParser(prog=f"bench/{self.name}", description=doc,
                                         formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--quick", action="store_true", help="under 50 s; smaller sizes, nothing is written")
        parser.add_argument("--json", action="store_true", help="print only the JSON object")
        if arguments:
            arguments(parser)
        self.args = parser.parse_args()
        self.quick, self.json = self.args.quick, self.args.json
        self.doc = (doc or "").strip()
        self.claims, self.tables, self.notes = [], [], []
        self.started = time.monotonic()
        self.commit, self.machine, self.results = commit(), machine(), RESULTS
        self._work = None
        self.say(f"{self.name}: {self.doc.splitlines()[0] if self.doc else ''}")
        self.say("machine: " + ", ".join(f"{v} {k}" if k == "cores" else f"{k} {v}" for k, v in self.machine.items()))

    # ---- output -----------------------------------------------------------------------------------------------
    def say(self, text=""):
        """A line for people (stdout; nothing with --json)."""
        if not self.json:
            print(text, flush=True)

    def progress(self, text):
        print(f"  {text}", file=sys.stderr, flush=True)

    def note(self, text):
        """A sentence that belongs beside the figures, in the table and in the result file."""
        self.notes.append(text)
        self.say(text)

    def table(self, head, rows, title=None):
        cells = [[shown(c) for c in row] for row in rows]
        self.tables.append({"title": title, "head": list(head), "rows": cells})
        width = [max(len(str(r[i])) for r in [list(head)] + cells) for i in range(len(head))]
        if title:
            self.say(title)
        for i, row in enumerate([list(head)] + cells):
            parts = [str(c).ljust(w) if j == 0 else str(c).rjust(w) for j, (c, w) in enumerate(zip(row, width))]
            self.say("  " + "  ".join(parts).rstrip())
            if i == 0:
                self.say("  " + "  ".join("-" * w for w in width))

    # ---- where things are -------------------------------------------------------------------------------------
    def built(self, name):
        """A file of the release build; exit 2 with the cure where it is missing."""
        path = BUILD / name
        if not path.exists():
            sys.exit(f"bench: {path.name} is not built (looked in build/release): run ./bootstrap build")
        return str(path)

    def assay(self):
        return self.built("assay")

    def shared(self, name):
        """A file of the shared data, or None: the caller skips its claim (value None)."""
        path = pathlib.Path(os.environ.get("ASSAY_SHARED", SOURCE.parent / "shared")) / name
        return str(path) if path.exists() else None

    def work(self):
        """A folder for this run's files, removed at the end."""
        if self._work is None:
            base = SOURCE / "build" / "bench"
            base.mkdir(parents=True, exist_ok=True)
            self._work = tempfile.mkdtemp(prefix=self.name + ".", dir=base)
        return pathlib.Path(self._work)

    # ---- measuring --------------------------------------------------------------------------------------------
    def interleave(self, contenders, rounds=5, warm=1, **how):
        """name -> argv (or a callable returning a Run, or returning nothing and then timed). Runs them in turn, round
        by round, so that a slow minute of the machine hits all; returns name -> the Run with the median time, whose
        all_seconds holds every round and peak_kib the largest."""
        seen = {name: [] for name in contenders}
        for i in range(warm + rounds):
            for name, what in contenders.items():
                done = self._once(what, how)
                if i >= warm:
                    seen[name].append(done)
        return {name: self._median(runs) for name, runs in seen.items()}

    @staticmethod
    def _once(what, how):
        if not callable(what):
            return run(what, **how)
        start = time.monotonic()
        done = what()
        seconds = time.monotonic() - start
        return done if isinstance(done, Run) else Run([], 0, seconds, math.nan, 0, b"", b"")

    @staticmethod
    def _median(runs):
        times = [r.seconds for r in runs]
        middle = sorted(runs, key=lambda r: r.seconds)[(len(runs) - 1) // 2]
        middle.all_seconds = times
        middle.seconds = statistics.median(times)
        middle.peak_kib = max(r.peak_kib for r in runs)
        return middle

    # ---- claims -----------------------------------------------------------------------------------------------
    def claim(self, name, value, op, bar):
        """value None: not measured in this run ("ok": null)."""
        ok = None if value is None else bool(OPS[op](value, bar))
        if isinstance(value, float) and not math.isfinite(value):
            value, ok = None, False
        self.claims.append({"name": name, "value": value, "op": op, "bar": bar, "ok": ok})
        return ok

    def finish(self):
        """Prints the claims and the JSON object, writes a full run's result, exits 0 only if every claim holds."""
        if self._work:
            shutil.rmtree(self._work, ignore_errors=True)
        words = {True: "ok", False: "NOT MET", None: "full run only"}
        if self.claims:
            self.say()
            for c in self.claims:
                self.say(f"  {words[c['ok']]:<13} {c['name']}: {shown(c['value'])} ({c['op']} {shown(c['bar'])})")
        line = {"bench": self.name, "quick": self.quick, "machine": self.machine, "claims": self.claims}
        if not self.quick:
            self._write(line)
        print(json.dumps(line), flush=True)
        held = all(c["ok"] or (self.quick and c["ok"] is None) for c in self.claims)
        sys.exit(0 if held else 1)

    def _write(self, line):
        self.results.mkdir(parents=True, exist_ok=True)
        full = {**line, "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
                "commit": self.commit, "seconds": round(time.monotonic() - self.started, 1),
                "what": self.doc.splitlines()[0] if self.doc else "", "tables": self.tables, "notes": self.notes}
        path = self.results / f"{self.name}.json"
        part = path.with_suffix(".part")
        part.write_text(json.dumps(full, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(path)


class Kept:
    """What a full run has measured so far, of this commit: in state.json of `home`, a folder under build/."""

    def __init__(self, bench, home):
        self.path, self.key = home / "state.json", bench.commit
        self.done = {}
        if not bench.quick and self.path.exists():
            state = json.loads(self.path.read_text())
            self.done = state["done"] if state["commit"] == self.key and not self.key.endswith("+") else {}
        self.is_kept = not bench.quick

    def get(self, name, fn):
        if name not in self.done:
            self.done[name] = fn()
            if self.is_kept:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.write_text(json.dumps({"commit": self.key, "done": self.done}))
        return self.done[name]

    def forget(self):
        if self.is_kept:
            self.path.unlink(missing_ok=True)
