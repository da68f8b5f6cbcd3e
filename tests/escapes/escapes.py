"""escapes.py -- every hostile program, live: python/*.py and c/*.c here, and data/code/attacks.jsonl where it is. The
task behind each is f(list), which sorts. Each runs as a function that is called, as a script, and under a test in a job
of its own, and in mechanical variants.

A header says what must come of it (`expect`: words, `fail`: any failure) and what must not happen (`forbidden`). In
front of each stand PW(why), which the program calls when the forbidden thing did happen, SYS(number, ...), MARK (a name
to leave behind), PORT (of a listener on this machine) and HERE (this file). What must hold besides: no failure of the
sandbox itself, no pass for a wrong program, nothing left behind outside.

    escapes.py [NAME...]        only those whose name contains one of these

SPDX-License-Identifier: Apache-2.0
"""
import ast
import base64
import concurrent.futures
import json
import os
import pathlib
import re
import secrets
import socket
import sys
import threading

import box

HERE = pathlib.Path(__file__).resolve()
SHARED = pathlib.Path(os.environ.get("ASSAY_SHARED") or HERE.parents[3] / "shared")
ATTACKS = SHARED / "data" / "code" / "attacks.jsonl"
MARK = "pw" + secrets.token_hex(6)
PWNED = b"PWN" + b"ED"
TESTS = [([3, 1, 2], [1, 2, 3]), ([], []), ([1, 1], [1, 1])]
ALL = {"wrong_answer", "runtime_error", "compile_error", "tle_cpu", "tle_wall", "mle", "ole", "pids_limit",
       "sandbox_violation", "no_result"}
PLAIN = {"wrong_answer", "runtime_error", "no_result"}  # an ordinary wrong program, whichever way it goes wrong

# Where ours differs from the word of attacks.jsonl, and why that is no less contained.
INSTEAD = {
    "setns_self": PLAIN,  # there is no /proc to open a namespace from
    "sparse_file": PLAIN,  # there is no writable path
    "nondet_pid": {"ok"},  # the process id is 1 in every run: it is deterministic here, and right
    "c_sigstop_self": PLAIN,  # the first process of a pid namespace cannot stop itself: it runs to its end
    "tiocsti": PLAIN | {"sandbox_violation"},
}

PREFIX = """\
def PW(why=""):
    import os
    for fd in (1, 2):
        try: os.write(fd, b"PWN" + b"ED " + str(why).encode("utf-8", "replace") + b"\\n")
        except OSError: pass
    os._exit(99)
def PWINFO(why=""): pass
def SYS(number, *args):
    import ctypes
    return ctypes.CDLL(None, use_errno=True).syscall(number, *args)
MARK, PORT, HERE = %r, %d, %r
"""
PREFIX_C = """\
static long pw_write(int fd, const void *p, unsigned long n)
{
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(1L), "D"((long)fd), "S"(p), "d"(n) : "rcx", "r11", "memory");
    return r;
}
#define PW(why) (pw_write(1, "PWN" "ED " why "\\n", sizeof("PWN" "ED " why)), __builtin_trap())
#define MARK "%s"
#define HERE "%s"
#line 1
"""
TESTER = "def check(candidate):\n" + "".join(f"    assert candidate({a}) == {want}\n" for a, want in TESTS)
TAIL = "\nprint(f([int(w) for w in input().split()]))\n"


class Attack:
    def __init__(self, name, lang, code, words, policy=None, modes=("calls", "script", "tester"), right=False):
        self.name, self.lang, self.code, self.policy, self.modes = name, lang, code, policy, modes
        self.words, self.right = words, right


def words_of(text):
    words = set()
    for w in re.split(r"[\s,]+", text.strip()):
        words |= {"fail": ALL, "tle": {"tle_cpu", "tle_wall"}}.get(w, {w})
    return words


def own():
    for path in sorted((HERE.parent / "python").glob("*.py")) + sorted((HERE.parent / "c").glob("*.c")):
        code = path.read_text(encoding="utf-8")
        head = dict(re.findall(r"^(?:#|/\*) (expect|policy|modes|forbidden): (.*?)(?: \*/)?$", code, re.M))
        if not head.get("forbidden"):
            raise SystemExit(f"{path.name}: no header")
        lang = "c" if path.suffix == ".c" else "python"
        words = words_of(head["expect"])
        yield Attack(f"{lang}/{path.stem}", lang, code, words, head.get("policy"),
                     tuple(head.get("modes", "calls,script,tester").split(",")), "ok" in words)


def given():
    if not ATTACKS.exists():
        print(f"SKIP attacks.jsonl: {ATTACKS} is not there")
        return
    for line in ATTACKS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        code = row.get("code") or base64.b64decode(row["code_b64"]).decode("utf-8", "surrogateescape")
        right = row["expected_verdict"] == "ok" and "sorted(x)" in code
        words = words_of(row["expected_verdict"])
        if row["expected_verdict"] == "wrong_answer" or (row["expected_verdict"] == "ok" and not right):
            words = PLAIN
        words = INSTEAD.get(row["id"], words)
        yield Attack("data/" + row["id"], row["lang"], code, words, right="ok" in words)


# ---- variants ----

class Rename(ast.NodeTransformer):
    """Every name the program gives gets another; what it takes from elsewhere stays."""

    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node):
        node.arg = self.names.get(node.arg, node.arg)
        return node

    def visit_FunctionDef(self, node):
        if not getattr(node, "is_method", False):
            node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_ClassDef(self, node):
        node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_alias(self, node):
        if not node.asname and node.name in self.names:
            node.asname = self.names[node.name]
        elif node.asname:
            node.asname = self.names.get(node.asname, node.asname)
        return node

    def visit_ExceptHandler(self, node):
        node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_Global(self, node):
        node.names = [self.names.get(n, n) for n in node.names]
        return node


def given_names(tree):
    inside_class = {id(n) for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for s in c.body for n in ast.walk(s)}
    for c in ast.walk(tree):
        if isinstance(c, ast.ClassDef):
            for s in c.body:
                s.is_method = True
    for n in ast.walk(tree):
        if isinstance(n, ast.arg):
            yield n.arg
        elif id(n) in inside_class:
            continue
        elif isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
            yield n.id
        elif isinstance(n, (ast.FunctionDef, ast.ClassDef)):
            yield n.name
        elif isinstance(n, ast.alias) and "." not in n.name and n.name != "*":
            yield n.asname or n.name


def renamed(code):
    tree = ast.parse(code)
    names = {n for n in given_names(tree) if n not in ("f", "PW", "SYS") and not n.startswith("__")}
    return ast.unparse(Rename({n: f"v{i}_" for i, n in enumerate(sorted(names))}).visit(tree))


def encoded(code):
    return f"import base64\nexec(base64.b64decode({base64.b64encode(code.encode('utf-8', 'surrogateescape'))!r}))\n"


def through_module(code):
    return f"""\
import importlib.abc, importlib.util, sys
class Loader(importlib.abc.Loader):
    def exec_module(self, module):
        for name in ("PW", "PWINFO", "SYS", "MARK", "PORT", "HERE"):
            setattr(module, name, globals()[name])
        exec(compile({code!r}, "other", "exec"), module.__dict__)
spec = importlib.util.spec_from_loader("other", Loader())
other = importlib.util.module_from_spec(spec)
sys.modules["other"] = other
try:
    spec.loader.exec_module(other)
finally:
    if hasattr(other, "f"): f = other.f
"""


MODES = {"renamed": ("calls",), "encoded": ("script",), "module": ("calls",)}  # without a variant: both


def variants(attack):
    yield "", attack.code
    if attack.lang == "c":
        yield "constructor", (f"#define main attack_main\n{attack.code}\n#undef main\n"
                              "__attribute__((constructor)) static void attack_first(void) { (void)attack_main(); }\n"
                              "int main(void) { return 0; }\n")
        return
    for name, make in (("renamed", renamed), ("encoded", encoded), ("module", through_module)):
        try:
            yield name, make(attack.code)
        except (SyntaxError, ValueError, RecursionError, MemoryError, UnicodeError):
            pass


# ---- running ----

class Outside:
    """What a program must not reach: listeners, and places where it could leave something."""

    PLACES = "/tmp /var/tmp /dev/shm / /usr /usr/lib /run /dev /etc . /usr/lib/python3/dist-packages".split()

    def __init__(self):
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind("\0" + MARK)
        self.unix.listen()
        self.host = os.uname().nodename

    def problems(self):
        for s, what in ((self.tcp, "a connection"), (self.udp, "a datagram"), (self.unix, "a local connection")):
            s.setblocking(False)
            try:
                s.recv(1) if s is self.udp else s.accept()
                yield what + " arrived"
            except BlockingIOError:
                pass
        for place in self.PLACES:
            if os.path.lexists(os.path.join(place, MARK)):
                yield f"{place}/{MARK} is there"
        if os.uname().nodename != self.host:
            yield "the host's name was changed"
        for table in ("shm", "sem", "msg"):
            path = pathlib.Path("/proc/sysvipc") / table
            if path.exists() and re.search(r"^\s*%d\s" % 0x5057, path.read_text(), re.M):
                yield f"System V {table} is left"


# Kernels with seccomp listeners: there every denied call has its name.
LISTENS = tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2]) >= (5, 0)
local = threading.local()
boxes = []
LIMITS = dict(cpu_ms=10000, wall_ms=40000, mem_mib=256)
TIGHT = dict(cpu_ms=400, wall_ms=1200, mem_mib=256)


def my_box():
    if not hasattr(local, "box"):
        local.box = box.Box(slots=1)
        boxes.append(local.box)
    return local.box


def verdict_of_calls(r):
    if r.status != "ok":
        return r.status
    for (status, value, _), (_, want) in zip(r.values, TESTS):
        if status != "ok":
            return status
        try:
            if box.encode(want) != value:
                return "wrong_answer"
        except ValueError:
            return "wrong_answer"
    return "ok"


def left_behind(b):
    return [c for z in box.zygotes(b) for c in box.children(z)]


def run(attack, variant, code, mode, outside):
    b = my_box()
    limits = TIGHT if attack.words & {"tle_cpu", "tle_wall"} else LIMITS
    if attack.lang == "c":
        r = b.run(PREFIX_C % (MARK, HERE) + code, language="c", policy=attack.policy, stdin=b"3 1 2\n", **limits)
        verdict = r.status if r.status != "ok" else "ok" if r.output.split() == b"1 2 3".split() else "wrong_answer"
    elif mode == "calls":
        prefix = PREFIX % (MARK, outside.port, str(HERE))
        source = (prefix + code).encode("utf-8", "surrogateescape")
        r = b.run(source, policy=attack.policy, entry="f", calls=[box.encode((a,)) for a, _ in TESTS], **limits)
        verdict = verdict_of_calls(r)
    elif mode == "tester":
        source = (PREFIX % (MARK, outside.port, str(HERE)) + code).encode("utf-8", "surrogateescape")
        r = b.run(source, policy=attack.policy, entry="f", tester=TESTER, check="check", **limits)
        verdict = r.status
    else:
        source = (PREFIX % (MARK, outside.port, str(HERE)) + code + TAIL).encode("utf-8", "surrogateescape")
        r = b.run(source, policy=attack.policy, stdin=b"3 1 2\n", **limits)
        right = r.output == b"[1, 2, 3]\n" or (attack.right and r.output.endswith(b"[1, 2, 3]\n"))
        verdict = r.status if r.status != "ok" else "ok" if right else "wrong_answer"
    return verdict, r, left_behind(b)


def accepted(attack, variant, mode):
    words = set(attack.words)
    if mode == "script" and words & PLAIN:
        words |= PLAIN  # a script that leaves early has printed nothing
    if variant in ("encoded", "module") and words & {"compile_error", "mle"}:
        words |= {"runtime_error"}  # what does not compile is text that exec() refuses there
    return words


def problem(attack, variant, mode, verdict, r, left):
    if PWNED in r.output or PWNED in r.errors or r.exit_code == 99:
        return "did it: " + (r.output + r.errors)[-200:].decode("utf-8", "replace")
    if r.status == "sandbox_error":
        return "the sandbox failed: " + r.note
    if left:
        return f"processes left behind: {left}"
    if verdict not in accepted(attack, variant, mode):
        return f"{verdict}, expected {'|'.join(sorted(accepted(attack, variant, mode)))[:80]}; {r.note[:90]} " \
               f"{r.errors[-160:].decode('utf-8', 'replace')!r} denied {r.denied_name!r}"
    if verdict == "sandbox_violation" and not r.denied_name and LISTENS:
        return "the system call has no name"
    return None


def main():
    probe = box.Box(slots=1)
    r = probe.run("pass")
    probe.close()
    if r.status == "sandbox_error":
        print(f"SKIP escapes: {r.note}")
        return 77
    outside = Outside()
    attacks = [a for a in [*own(), *given()] if not sys.argv[1:] or any(n in a.name for n in sys.argv[1:])]
    jobs = [(a, v, code, mode) for a in sorted(attacks, key=lambda a: a.lang) for v, code in variants(a)
            for mode in (a.modes if a.lang == "python" else ("script",)) if mode in MODES.get(v, a.modes)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda j: run(*j, outside), jobs))
    for (attack, variant, _, mode), (verdict, r, left) in zip(jobs, done):
        why = problem(attack, variant, mode, verdict, r, left)
        if why or os.environ.get("ESCAPES_VERBOSE"):
            print(f"{'FAILED' if why else 'ok'} {attack.name} {variant or 'plain'} {mode}: "
                  f"{why or verdict + ' ' + r.denied_name}")
        failed += why is not None
    for b in boxes:
        b.close()
    for why in outside.problems():
        print(f"FAILED outside: {why}")
        failed += 1
    print(f"escapes: {len(attacks)} programs, {len(jobs)} runs, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
