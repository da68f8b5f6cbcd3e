"""test_sandbox.py -- `assay sandbox run|check|bench` and the doctor's lines: what they print, and what they refuse, as
root, without rights, and where the machine grants less (a filter of this test's own plays the container).

SPDX-License-Identifier: Apache-2.0
"""
import shutil

from run_assay import *
from seccomp_filter import deny

KEYS = ["status", "exit_code", "signal", "cpu_ms", "wall_ms", "peak_kib", "stdout", "stderr"]
UNSHARE, SECCOMP, LANDLOCK, CLONE3 = 272, 317, 444, 435  # x86-64
IS_X86_64 = os.uname().machine == "x86_64"


class Sandbox(AssayTest):
    level = None

    def setUp(self):
        super().setUp()
        if Sandbox.level is None:
            Sandbox.level = json.loads(self.assay("sandbox", "check", "--json", rc=None).out)["level"]

    def need_sandbox(self):
        if Sandbox.level not in ("medium", "strong"):
            self.skipTest(f"this machine's sandbox is at level {Sandbox.level}")

    def run_program(self, source, *args, name="program.py", rc=0, **more):
        path = self.dir / name
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
        run = self.assay("sandbox", "run", *args, path, rc=rc, **more)
        self.assertEqual(run.out.count("\n"), 1)
        return json.loads(run.out)


class Run(Sandbox):
    def setUp(self):
        super().setUp()
        self.need_sandbox()

    def test_line(self):
        r = self.run_program("import sys\nprint('out')\nprint('err', file=sys.stderr)\n")
        self.assertEqual(list(r), KEYS)
        self.assertEqual((r["status"], r["exit_code"], r["signal"]), ("ok", 0, 0))
        self.assertEqual((r["stdout"], r["stderr"]), ("out\n", "err\n"))
        self.assertGreater(r["cpu_ms"], 0)
        self.assertGreaterEqual(r["wall_ms"], r["cpu_ms"] / 4)
        self.assertGreater(r["peak_kib"], 1000)

    def test_words(self):
        rows = [("print(1)", "ok"), ("1/0", "runtime_error"), ("import sys; sys.exit(3)", "runtime_error"),
                ("def f(:", "compile_error"), ("while True: pass", "tle_cpu"),
                ("import time; time.sleep(9)", "tle_wall"),
                ("x = 'a' * 10**10", "mle"), ("print('x' * 10**7)", "ole")]
        for source, status in rows:
            wall = 900 if status == "tle_wall" else 30000  # another's work may take the processor
            r = self.run_program(source, "--cpu-ms", 300, "--wall-ms", wall, "--mem-mib", 256, "--out-kib", 64)
            self.assertEqual(r["status"], status, source)
        self.assertLessEqual(len(r["stdout"]), 64 << 10)

    def test_denied(self):
        for source, name in [("import socket; socket.socket()", "socket"),
                             ("import os; os.execv('/bin/sh', ['sh'])", "execve")]:
            r = self.run_program(source)
            self.assertEqual(list(r), KEYS + ["denied"])
            self.assertEqual((r["status"], r["denied"]), ("sandbox_violation", name))

    def describe(self, **languages):
        folder = self.dir / "languages"
        folder.mkdir(exist_ok=True)
        for name, text in languages.items():
            (folder / f"{name}.json").write_text(text if isinstance(text, str) else json.dumps({"name": name, **text}))
        self.env["ASSAY_LANGUAGES"] = f"/nowhere:{folder}"

    @unittest.skipUnless(os.path.exists("/usr/bin/perl"), "no perl")
    def test_language_with_an_interpreter(self):
        self.describe(perl={"file": "main.pl", "run": ["/usr/bin/perl", "main.pl"]},
                      missing={"file": "main.missing", "run": ["/usr/bin/no-such-interpreter", "main.missing"]})
        source = "my $n = <STDIN>; print 2 * $n, qq(\n); exit 3 if $n > 21"
        for number, status, exit_code in (("21", "ok", 0), ("22", "runtime_error", 3)):
            r = self.run_program(source, "--stdin", self.file("number", [number]), name="a.pl")
            self.assertEqual((r["status"], r["exit_code"], r["stdout"]), (status, exit_code, f"{2 * int(number)}\n"))
        r = self.run_program("system('id'); print 'x'", name="b.pl")
        self.assertEqual((r["status"], r["denied"]), ("sandbox_violation", "clone"))
        r = self.run_program("exec('/bin/true')", name="c.pl")
        self.assertEqual((r["status"], r["denied"]), ("sandbox_violation", "execve"))
        r = self.run_program("open(F, '>/tmp/own') or die; open(G, '/etc/passwd') and print 'read'; print 'done'", name="d.pl")
        self.assertEqual((r["status"], r["stdout"]), ("ok", "done"))
        self.assertEqual(self.run_program("1 while 1", "--cpu-ms", 200, name="e.pl")["status"], "tle_cpu")
        self.assertEqual(self.run_program("while (1) { push @a, 'x' x 100000 }", name="f.pl")["status"], "mle")
        (self.dir / "g.pl").write_text("print 1")
        run = self.assay("sandbox", "run", "--policy", "pure", self.dir / "g.pl", rc=4)
        self.assertEqual(json.loads(run.out)["status"], "sandbox_error")
        self.say(run, "perl", "policy pure has none", '"files"')
        run = self.assay("sandbox", "run", "--lang", "missing", self.dir / "g.pl", rc=4)
        self.say(run, "/usr/bin/no-such-interpreter", "No such file")

    def test_language_with_a_compiler(self):
        self.describe(c89={"file": "old.c89", "compile": ["/usr/bin/gcc", "-std=c89", "-pedantic-errors", "-x", "c", "-o", "a.out",
                                                          "old.c89"]})
        self.assertEqual(self.run_program("int main(void) { return 0; }", name="a.c89")["status"], "ok")
        self.assertEqual(self.run_program("// new\nint main(void) { return 0; }", name="a.c89")["status"], "compile_error")

    def test_languages_that_make_no_sense(self):
        for text, *said in (("{", "not valid JSON"), ("[]", "object"), ({"file": "a"}, "compile", "run"),
                            ({"file": "../a", "run": ["/usr/bin/perl"]}, "file"), ({"run": ["/usr/bin/perl"]}, "file"),
                            ({"file": "a", "run": ["perl"]}, "run", "absolute"), ({"file": "a", "run": []}, "run"),
                            ({"file": "a", "run": ["/a", 1]}, "run"), ({"file": "a", "run": "/a"}, "run"),
                            ({"file": "a", "run": ["/a"], "runs": 1}, "runs", "did you mean"),
                            ({"name": "python", "file": "a", "run": ["/a"]}, "python", "own")):
            with self.subTest(text):
                self.describe(bad=text)
                self.say(self.assay("sandbox", "run", "-", rc=2, stdin=b"1"), "bad.json", *said)

    def test_languages(self):
        c = ('#include <stdio.h>\nint main(void) { int x;\n'
             'return scanf("%d", &x) == 1 ? printf("%d\\n", 2 * x) < 0 : 1; }\n')
        cpp = ('#include <cstdio>\ntemplate <class T> T twice(T x) { return 2 * x; }\n'
               'int main() { std::printf("%d\\n", twice(21)); }\n')
        numbers = self.file("numbers", ["21"])
        self.assertEqual(self.run_program(c, "--stdin", numbers, name="a.c")["stdout"], "42\n")
        self.assertEqual(self.run_program(c, "--stdin", numbers, "--lang", "c", name="program")["stdout"], "42\n")
        # without input it reads nothing
        self.assertEqual(self.run_program(c, "--lang", "c", name="b.txt")["status"], "runtime_error")
        self.assertEqual(self.run_program(cpp, name="a.cpp")["stdout"], "42\n")
        self.assertEqual(self.run_program(cpp, "--lang", "c++", name="a.txt")["stdout"], "42\n")
        self.assertEqual(self.run_program(cpp, "--lang", "c", name="a.txt")["status"], "compile_error")
        r = self.run_program("int main(void) { return x; }\n", name="c.c")
        self.assertEqual(r["status"], "compile_error")
        self.assertIn("undeclared", r["stderr"])

    def test_stdin(self):
        self.assertEqual(self.run_program("print(input())", "--stdin", self.file("in", ["hello"]))["stdout"], "hello\n")
        self.assertEqual(self.run_program("print(repr(open(0).read()))")["stdout"], "''\n")
        run = self.assay("sandbox", "run", "-", stdin=b"print(6 * 7)")
        self.assertEqual(json.loads(run.out)["stdout"], "42\n")
        self.assertEqual(self.run_program("print(input())", "--stdin", "-", stdin=b"piped")["stdout"], "piped\n")

    def test_bytes(self):
        r = self.run_program("import sys; sys.stdout.buffer.write(b'a\\xff\\0\"\\n\\x1b')")
        self.assertEqual(r["stdout"], "a\ufffd\0\"\n\x1b")

    def test_policies(self):
        write = "open('/tmp/x', 'w').write('hi'); print(open('/tmp/x').read())"
        self.assertEqual(self.run_program(write)["status"], "runtime_error")
        self.assertEqual(self.run_program(write, "--policy", "files")["stdout"], "hi\n")
        thread = "import threading\nt = threading.Thread(target=print, args=('in',))\nt.start()\nt.join()"
        self.assertEqual(self.run_program(thread, "--policy", "threads")["stdout"], "in\n")
        self.assertNotEqual(self.run_program(thread)["status"], "ok")

    def test_bad_sources(self):
        """A clear word for each; none is a failure of the sandbox, and none takes long."""
        rows = [(b"print(1)\0print(2)", "compile_error", "null bytes"), (b"x = '\xff'", "compile_error", "utf-8"),
                (b"# coding: nonsense\n", "compile_error", "unknown encoding"),
                (b"(" * 100000, "compile_error", "nested"),
                (b"-" * 100000 + b"1", "compile_error", "Error"), (b"x=1;" * 250000, "ok", ""), (b"", "ok", ""),
                (b"x = '" + b"a" * 1000000 + b"'\nprint(len(x))", "ok", ""), (b"print(1)\r\nprint(2)\r\n", "ok", "")]
        for source, status, note in rows:
            path = self.dir / "bad.py"
            path.write_bytes(source)
            run = self.assay("sandbox", "run", path)
            self.assertEqual(json.loads(run.out)["status"], status, source[:40])
            self.assertIn(note, run.err)
        for source, status in [(b"int main(void) { return " + b"(" * 200000, "compile_error"), (b"\0", "compile_error"),
                               (b"int a" + b"[" * 2100, "compile_error"),
                               (b"// " + b"(" * 3000 + b"\n/*" + b"{" * 3000 + b"*/\n#include <stdio.h>\nint main(void) { return "
                                b"printf(\"" + b"(" * 3000 + b"\") + '(' < 0; }", "ok"),
                               (b"int main(void) { return " + b"(" * 1500 + b"0" + b")" * 1500 + b"; }", "ok"),
                               (b'#include "../../etc/passwd"\nint main(void) { return 0; }', "compile_error"),
                               (b"int main(void) { return 0; }\n// \xff\xfe", "ok")]:
            self.assertEqual(self.run_program(source, name="bad.c")["status"], status, source[:40])
        self.assertIn("nested", self.run_program(b"int main() { return " + b"(" * 200000, name="bad.cpp")["stderr"])
        odd = (b"#include <cstring>\nint main() { const char *s = R\"x(" + b"({[" * 1000 + b"\")y\"(" + b")x\";\n"
               b"int n = 3'0'00; return (int)std::strlen(s) != n + 5; }")
        self.assertEqual(self.run_program(odd, name="odd.cpp")["status"], "ok")

    def test_files_in_the_way(self):
        source = ("import os\nfor make in (lambda: os.mkfifo('f'), lambda: os.symlink('/etc/passwd', 's'),\n"
                  "             lambda: open('../x', 'w'), lambda: open('/tmp/../x', 'w'),\n"
                  "             lambda: os.link('/bin/sh', 'l')):\n"
                  "    try:\n        make()\n        print('DONE')\n"
                  "    except OSError as e:\n        print(type(e).__name__)\n"
                  "print(os.listdir('/tmp'))")
        r = self.run_program(source, "--policy", "files")
        self.assertEqual(r["status"], "ok", r)
        self.assertNotIn("DONE", r["stdout"])
        self.assertTrue(r["stdout"].endswith("[]\n"), r["stdout"])

    def test_usage(self):
        self.say(self.assay("sandbox", "run", rc=2), "FILE")
        self.say(self.assay("sandbox", "run", "a", "b", rc=2), "one program")
        self.say(self.assay("sandbox", "run", "--lang", "cobol", "a", rc=2), "cobol", "python, c, c++", "ASSAY_LANGUAGES")
        self.say(self.assay("sandbox", "run", "--policy", "free", "a", rc=2), "pure|threads|compile|files")
        self.say(self.assay("sandbox", "run", "--cpu-ms", "4294967296", "-", rc=2), "--cpu-ms")
        self.say(self.assay("sandbox", "run", "--cpu-ms", "-1", "-", rc=2), "--cpu-ms")
        self.say(self.assay("sandbox", "run", self.dir / "none.py", rc=3), "none.py")
        self.say(self.assay("sandbox", "run", self.dir, rc=3), str(self.dir))
        self.say(self.assay("sandbox", "run", "--stdin", self.dir / "none", "-", rc=3), "none")
        self.say(self.assay("sandbox", "rnu", rc=2), 'did you mean "sandbox run"?')
        self.say(self.assay("sandbox", rc=2), "sandbox check")

    def test_environment(self):
        r = self.run_program("import os, sys\nprint(sorted(os.environ), os.getcwd(), sys.argv)", env={"SECRET": "x"})
        self.assertEqual(r["status"], "ok")
        self.assertNotIn("SECRET", r["stdout"])

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            run = subprocess.run([str(BIN), "sandbox", "run", "-"], input=b"print(1)", stdout=full,
                                 stderr=subprocess.PIPE, env=self.env, timeout=60)
        self.assertEqual(run.returncode, 7)


class Check(Sandbox):
    def layers(self, run):
        report = json.loads(run.out)
        self.assertEqual(report["schema"], "assay.sandbox_check/1")
        return report["level"], {layer["name"]: layer for layer in report["layers"]}

    def check(self, *args, rc=0, **more):
        return self.layers(self.assay("sandbox", "check", "--json", *args, rc=rc, **more))

    def test_report(self):
        level, layers = self.check(rc=None)
        self.assertEqual(len(layers), 16)
        for name in ("user namespace", "pid namespace", "mount namespace", "network namespace", "seccomp", "landlock",
                     "no_new_privs", "limits", "capabilities", "own uid", "descriptors", "kill of the tree", "cgroup",
                     "yama", "core dumps"):
            self.assertIn(name, layers)
        for layer in layers.values():
            self.assertIn(layer["state"], ("ok", "degraded", "off"))
            self.assertTrue(layer["found"] and layer["protects"])
            self.assertFalse(layer["state"] == "ok" and "cure" in layer)
        run = self.assay("sandbox", "check", rc=None)
        self.assertIn(f"\nlevel: {level}\n", run.out)
        for layer in layers.values():
            self.assertRegex(run.out, rf"(?m)^{layer['state']} +{layer['name']}  ")

    def test_require(self):
        self.need_sandbox()
        self.assay("sandbox", "check", "--require", "weak")
        self.assay("sandbox", "check", "--require", "medium")
        self.assay("sandbox", "check", "--require", "strong", rc=0 if Sandbox.level == "strong" else 4)
        self.say(self.assay("sandbox", "check", "--require", "total", rc=2), "strong|medium|weak")

    def test_doctor(self):
        report = json.loads(self.assay("doctor", "--json", rc=None).out)
        states = {c["what"]: c for c in report["checks"]}
        self.assertIn(f"level {Sandbox.level}", states["sandbox"]["detail"])
        self.assertEqual(states["sandbox"]["state"], "ok" if Sandbox.level in ("medium", "strong") else "off")
        self.assertIn("seccomp", states)
        self.assertNotEqual(states["landlock"]["state"], "fail")

    def refused(self, *texts, **more):
        """Neither run nor bench does anything, and both say why."""
        for args in (("run", "-"), ("bench", "--runs", "1")):
            run = self.assay("sandbox", *args, rc=4, stdin=b"print('RAN')", **more)
            self.assertEqual(run.out, "")
            self.say(run, *texts)

    def without_uid0(self):
        """Root of this machine needs no user namespace: step down first."""
        if os.geteuid() != 0:
            return {}
        who = {"user": 65534, "group": 65534, "extra_groups": []}
        try:
            subprocess.run([str(BIN), "--version"], capture_output=True, cwd="/", check=True, **who)
        except (PermissionError, subprocess.CalledProcessError):
            self.skipTest("nobody cannot execute what was built here")
        os.chmod(self.dir, 0o777)
        return who

    @unittest.skipUnless(IS_X86_64, "numbers of system calls")
    def test_no_user_namespaces(self):
        who = self.without_uid0()
        more = dict(who, preexec_fn=deny([UNSHARE]))
        level, layers = self.check(rc=4, **more)
        self.assertEqual(level, "none")
        self.assertEqual(layers["user namespace"]["state"], "off")
        self.assertIn("Operation not permitted", layers["user namespace"]["found"])
        self.assertIn("not tried", layers["pid namespace"]["found"])
        self.refused("level none", "user namespace", "Operation not permitted", "->", **more)
        kubernetes = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
        _, layers = self.check(rc=4, env=kubernetes, **more)
        self.assertIn("securityContext", layers["user namespace"]["cure"])
        self.refused("securityContext", env=kubernetes, **more)

    @unittest.skipUnless(IS_X86_64, "numbers of system calls")
    def test_no_seccomp(self):
        self.need_sandbox()
        more = {"preexec_fn": deny([SECCOMP])}
        level, layers = self.check(rc=4, **more)
        self.assertEqual((level, layers["seccomp"]["state"]), ("none", "off"))
        self.assertIn("seccomp", layers["seccomp"]["cure"])
        self.refused("level none", "seccomp", **more)

    @unittest.skipUnless(IS_X86_64, "numbers of system calls")
    def test_no_landlock(self):
        """One layer less, and all the others: medium, which is enough unless more is asked for."""
        self.need_sandbox()
        if Sandbox.level != "strong":
            self.skipTest("not strong to begin with")
        for errno in (38, 95):  # no such call, not enabled
            more = {"preexec_fn": deny([LANDLOCK], errno)}
            level, layers = self.check(**more)
            self.assertEqual((level, layers["landlock"]["state"]), ("medium", "off"))
            self.check("--require", "strong", rc=4, **more)
            run = self.assay("sandbox", "run", "-", stdin=b"print(1)", **more)
            self.assertEqual(json.loads(run.out)["status"], "ok")
            run = self.assay("sandbox", "run", "--require", "strong", "-", stdin=b"print(1)", rc=4, **more)
            self.assertEqual(run.out, "")
            self.say(run, "level medium", "landlock", "Linux 6.2")

    @unittest.skipUnless(IS_X86_64, "numbers of system calls")
    def test_no_clone3(self):
        """Docker's own filter says that clone3 does not exist."""
        more = {"preexec_fn": deny([CLONE3], 38)}
        level, layers = self.check(rc=4, **more)
        self.assertEqual(level, "none")
        if Sandbox.level != "none":
            self.assertEqual(layers["pid namespace"]["state"], "off")
        self.refused("level none", **more)

    def test_rootless(self):
        self.need_sandbox()
        who = self.without_uid0()
        if not who:
            self.skipTest("all of these tests run without root already")
        level, layers = self.check(rc=None, **who)
        if layers["user namespace"]["state"] == "off":
            self.skipTest("this machine gives user namespaces to root only")
        self.assertEqual((level, layers["own uid"]["state"]), (Sandbox.level, "degraded"))
        for source, status in [("print(1)", "ok"), ("import socket; socket.socket()", "sandbox_violation"),
                               ("while True: pass", "tle_cpu"), ("open('/etc/passwd')", "runtime_error")]:
            run = self.assay("sandbox", "run", "--cpu-ms", "300", "--wall-ms", "30000", "-", stdin=source.encode(), **who)
            self.assertEqual(json.loads(run.out)["status"], status, source)

    def test_root_of_a_container(self):
        """uid 0 without CAP_SYS_ADMIN takes the way of those without rights, as nobody; without any capability it is
        refused, because its jobs would own root's files."""
        self.need_sandbox()
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("not root, or no setpriv")
        for drop, holds in (("-sys_admin", True), ("-all", False)):
            run = subprocess.run(["setpriv", "--bounding-set", drop, "--inh-caps", "-all", str(BIN), "sandbox", "check",
                                  "--json"], capture_output=True, text=True, env=self.env, timeout=60)
            report = json.loads(run.stdout)
            layers = {layer["name"]: layer for layer in report["layers"]}
            if holds and layers["user namespace"]["state"] == "off":
                self.skipTest("this machine gives user namespaces to none")
            self.assertEqual(run.returncode, 0 if holds else 4, run.stderr)
            if holds:
                self.assertIn("uid 65534", layers["own uid"]["found"])
            else:
                self.assertIn("use another user", layers["user namespace"]["found"])

    def test_no_helper(self):
        """The program alone, without its helpers, says so."""
        alone = self.dir / "bin"
        alone.mkdir()
        shutil.copy(BIN, alone / "assay")
        run = subprocess.run([str(alone / "assay"), "sandbox", "check", "--json"], capture_output=True, text=True,
                             env=self.env)
        self.assertEqual(run.returncode, 4)
        self.assertIn("assay-box", json.loads(run.stdout)["layers"][0]["cure"])
        run = subprocess.run([str(alone / "assay"), "sandbox", "run", "-"], input="print(1)", capture_output=True,
                             text=True, env=self.env)
        self.assertEqual(run.returncode, 4)
        self.assertIn("assay-box", run.stderr)


class Bench(Sandbox):
    def test_bench(self):
        self.need_sandbox()
        report = json.loads(self.assay("sandbox", "bench", "--runs", "20", "--json").out)
        self.assertEqual(report["schema"], "assay.sandbox_bench/1")
        rows = {row["name"]: row for row in report["rows"]}
        python = rows["python"]
        self.assertEqual(python["runs"], 20)
        self.assertTrue(0 < python["median_ms"] <= python["p90_ms"] <= python["p99_ms"], python)
        self.assertGreater(python["per_second"], 1)
        for row in rows.values():
            self.assertTrue("problem" in row or row["median_ms"] > 0)
        text = self.assay("sandbox", "bench", "--runs", "3").out
        self.assertRegex(text, r"median ms +p90 ms +p99 ms +runs/s")
        self.assertRegex(text, r"(?m)^python +3 ")
        self.say(self.assay("sandbox", "bench", "--runs", "0", rc=2), "--runs")


if __name__ == "__main__":
    main()
