"""test_jail.py -- `--isolation jail`: our verifiers give the same bytes there, a plugin that wants out stays in, whether it
tries while it is loaded or while it scores, as root and without rights, and where a layer is missing nothing is run.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import re
import shutil
import socket
import sys

from run_assay import *
from seccomp_filter import deny

BREAKS_OUT = TEST_PLUGINS / "breaks_out.so"
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}
UNSHARE, SECCOMP, CLONE3 = 272, 317, 435  # x86-64
IS_X86_64 = os.uname().machine == "x86_64"
DENIED = {"io_uring_setup": 425, "bpf": 321, "keyctl": 250, "userfaultfd": 323, "perf_event_open": 298, "mount": 165,
          "chroot": 161, "setns": 308, "memfd_create": 319, "reboot": 169, "init_module": 175, "add_key": 248,
          "sethostname": 170, "pidfd_open": 434, "process_vm_writev": 311, "shmget": 29, "msgget": 68, "setuid": 105,
          "pivot_root": 155, "inotify_init": 253, "ptrace": 101, "execveat": 322, "vfork": 58, "fork": 57, "sendmsg": 46}


class Jail(AssayTest):
    who = {}

    def setUp(self):
        super().setUp()
        if self.who:
            reach_as_nobody(self)
        os.chmod(self.dir, 0o777 if self.who else 0o700)
        (self.dir / "cache").mkdir()
        os.chmod(self.dir / "cache", 0o777)

    def plugin(self, name="mine.so", at_load=None):
        """A copy of the one that wants out; `at_load`: what it tries while it is loaded."""
        data = BREAKS_OUT.read_bytes()
        mark = b"@BREAKS-OUT@"
        self.assertEqual(data.count(mark), 1)
        if at_load:
            at = data.index(mark)
            data = data[:at] + at_load.encode().ljust(400, b"\0") + data[at + 400:]
        path = self.dir / name
        path.write_bytes(data)
        os.chmod(path, 0o755)
        return str(path)

    def verify(self, plugin, rows, *args, rc=0, isolation="jail", **more):
        out = self.dir / "out.jsonl"
        out.unlink(missing_ok=True)
        run = self.assay("verify", "-p", plugin, "--isolation", isolation, "--no-cache", "--force", "-t", "1", "--in",
                         self.file("in.jsonl", rows), "--out", out, *args, rc=rc, **{**self.who, **more})
        return run, lines_of(out.read_text()) if out.exists() else []

    def attempts(self, names, *args, plugin=None, **more):
        """Each made while scoring, an item of its own between good ones: what became of it."""
        rows = []
        for name in names:
            rows += [{"id": f"good {len(rows)}", "completion": "a", "reference": "a"}, {"id": name, "completion": name}]
        rows.append({"id": "last", "completion": "b", "reference": "c"})
        _, verdicts = self.verify(plugin or self.plugin(), rows, *args, **more)
        self.assertEqual([v["id"] for v in verdicts], [r["id"] for r in rows])
        for v in verdicts:
            if v["id"].startswith("good"):
                self.assertEqual((v["verdict"], v["score"]), ("pass", 1), v)
        self.assertEqual(verdicts[-1]["verdict"], "fail")
        return {v["id"]: v for v in verdicts if v["id"] in names}

    def at_load(self, what, rc, **more):
        """Made by the constructor: what it says of that later, or why nothing came of it."""
        run, verdicts = self.verify(self.plugin(at_load=what), [{"id": "1", "completion": "loaded?", "reference": "x"}],
                                    rc=rc, **more)
        return verdicts[0].get("reason", "") if verdicts else run.err

    def stopped(self, verdict, call):
        self.assertEqual((verdict["verdict"], verdict["score"]), ("error", None), verdict)
        self.assertIn(f"stopped at the system call {call},", verdict["reason"])

    def refused(self, verdict):
        self.assertEqual(verdict["verdict"], "fail", verdict)  # its own word on an item that is wrong
        self.assertTrue(verdict["reason"].startswith("refused"), verdict)


class Same(Jail):
    """The verdicts of our own plugins on their cases, byte for byte."""

    def compare(self, name, rows):
        kept = [{k: r[k] for k in ("completion", "reference", "prompt", "meta", "group") if k in r} for r in rows]
        for i, row in enumerate(kept):
            row["id"] = str(i)
        kept.sort(key=lambda r: r.get("group", ""))
        texts = []
        for isolation in ("inproc", "jail"):
            run, verdicts = self.verify(name, kept, "--explain", "-t", "2", rc=None, isolation=isolation,
                                        env={"ASSAY_LOG": "warn"})
            self.assertIn(run.returncode, (0, 1), run.err)
            self.assertEqual(len(verdicts), len(kept), run.err)
            texts.append(re.sub(r'"\w*(ms|us|kib)":[0-9.e+-]+', "", (self.dir / "out.jsonl").read_text()))
        self.assertEqual(texts[0], texts[1])

    def of(self, name):
        if not (BIN.parent / "plugins" / f"{name}.so").exists():
            self.skipTest(f"{name} is not built")
        files = [SOURCE / "plugins" / name / f"{name}.check.jsonl", *sorted((SOURCE / "tests/cases").glob(f"{name}*.jsonl"))]
        by_config = {}
        for path in files:
            for row in lines_of(path.read_text()) if path.exists() else []:
                by_config.setdefault(json.dumps(row.get("config", {})), []).append(row)
        self.assertGreater(sum(map(len, by_config.values())), 10)
        for config, rows in by_config.items():
            with self.subTest(config=config):
                self.compare(f"{name}:{config}" if config != "{}" else name, rows)

    def test_exact(self):
        self.of("exact")

    def test_math(self):
        self.of("math")

    def test_choice(self):
        self.of("choice")

    def test_format(self):
        self.of("format")

    def test_compose(self):
        self.of("compose")

    def test_majority(self):
        self.of("majority")

    def test_code(self):
        self.of("code")

    def test_commands(self):
        answers = SOURCE / "examples" / "answers.jsonl"
        for command, more in (("vote", []), ("audit", ["--seed", "1"])):
            said = []
            for isolation in ("inproc", "jail"):
                golds = self.file("golds.jsonl", [{"reference": str(k)} for k in range(20)])
                run = self.assay(command, "-p", "math", "--in", golds if command == "audit" else answers, "--out",
                                 self.dir / "out", "--force", "--isolation", isolation, *more, rc=None, **self.who)
                self.assertIn(run.returncode, (0, 1), run.err)
                said.append((self.dir / "out").read_text() if (self.dir / "out").exists() else run.out)
            self.assertEqual(*(re.sub(r'"(ms|seconds)":[0-9.e+-]+', "", s) for s in said))

    def test_summary(self):
        run, _ = self.verify("exact", [{"completion": "a", "reference": "a"}])
        self.say(run, "in a jail")
        run, _ = self.verify("exact", [{"completion": "a", "reference": "a"}], "--json")
        self.assertEqual(json.loads(run.out)["verifier"]["isolation"], "jail")

    def test_libraries_beside_it(self):
        """Found at the same place by the loader; its other neighbours are not there."""
        (self.dir / "notes.txt").write_text("mine")
        for name in ("libmine.so", "libmine.so.1", "other.so"):
            (self.dir / name).write_text("mine")
        (self.dir / "libkeys.so").symlink_to(self.dir / "notes.txt")
        (self.dir / "liblink.so").symlink_to("libmine.so.1")
        reads = {n: f"read {self.dir}/{n}" for n in ("libmine.so", "libmine.so.1", "liblink.so", "libkeys.so", "notes.txt",
                                                     "other.so", "mine.so")}
        got = self.attempts(list(reads.values()))
        for name, what in reads.items():
            seen = name in ("libmine.so", "libmine.so.1", "liblink.so", "mine.so")
            self.assertEqual(got[what]["reason"].split()[0], "DONE" if seen else "refused", name)


class BreakOut(Jail):
    def test_the_attempts_are_real(self):
        """In a worker, which is no jail, they get what they want: else all else here proves nothing."""
        secret = self.dir / "secret"
        secret.write_text("x")
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            wanted = ["read /etc/passwd", f"read {secret}", f"list {self.dir}", f"write {self.dir}/written", f"tcp {port}",
                      f"spawn {self.dir}/spawned", f"fork {self.dir}/forked", "secret " + "telltale-of-mine"[::-1],
                      "memory 1024", "threads 100", "thread x"]
            got = self.attempts(wanted, isolation="worker", env={"SECRET": "telltale-of-mine"})
        for name, v in got.items():
            self.assertTrue(v.get("reason", "").startswith("DONE"), (name, v))
        for name in ("written", "spawned"):
            self.assertTrue((self.dir / name).exists(), name)
        said = self.at_load(f"write {self.dir}/loaded", 0, isolation="worker")
        self.assertTrue((self.dir / "loaded").exists(), said)

    def paths(self):
        home = self.dir / "home"
        home.mkdir()
        (home / "secret.txt").write_text("keep me")
        os.chmod(home, 0o755)
        plugin = self.plugin()
        return home, plugin, {
            "read": ["/etc/passwd", "/etc/hostname", home / "secret.txt", "/proc/self/environ", "/proc/1/environ",
                     f"/proc/{os.getpid()}/environ", "/sys/kernel/notes", "/dev/tty", SOURCE / "README.md", BIN],
            "list": ["/", "/root", "/home", "/tmp", home, "/proc", "/dev/shm"],
            "write": ["/tmp/.assay-jail-test", "/dev/shm/.assay-jail-test", home / "written", home / "secret.txt", plugin,
                      "/usr/.assay-jail-test", "/.assay-jail-test", "/etc/ld.so.cache"],
            "unlink": [home / "secret.txt", plugin, "/dev/null"]}

    def check_files(self, home, plugin, before):
        self.assertEqual((home / "secret.txt").read_text(), "keep me")
        self.assertEqual(pathlib.Path(plugin).read_bytes(), before)
        for path in ("/tmp/.assay-jail-test", "/dev/shm/.assay-jail-test", home / "written", "/usr/.assay-jail-test",
                     "/.assay-jail-test"):
            self.assertFalse(os.path.exists(path), path)

    def test_files(self):
        home, plugin, paths = self.paths()
        before = pathlib.Path(plugin).read_bytes()
        names = [f"{verb} {path}" for verb, all_ in paths.items() for path in all_]
        got = self.attempts(names, plugin=plugin, env={"HOME": str(home)})
        for name, v in got.items():
            with self.subTest(name):
                self.refused(v)
        self.check_files(home, plugin, before)

    def test_files_at_load(self):
        home, plugin, _ = self.paths()
        for what in ("read /etc/passwd", f"read {home}/secret.txt", f"write {home}/written", "write /tmp/.assay-jail-test",
                     f"read /proc/{os.getpid()}/environ"):
            self.assertTrue(self.at_load(what, 0).startswith("refused"), what)
        self.check_files(home, plugin, pathlib.Path(plugin).read_bytes())

    def test_sockets(self):
        with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:
            named = stack.enter_context(socket.socket(socket.AF_UNIX))
            named.bind(str(self.dir / "s"))
            named.listen(1)
            os.chmod(self.dir / "s", 0o777)
            port = server.getsockname()[1]
            got = self.attempts([f"tcp {port}", f"unix {self.dir}/s", "thread x"])
            self.stopped(got[f"tcp {port}"], "socket")
            self.stopped(got[f"unix {self.dir}/s"], "socket")
            self.stopped(got["thread x"], "socket")
            self.assertIn("stopped at the system call socket,", self.at_load(f"tcp {port}", 5))
            for s in (server, named):
                s.settimeout(0.05)
                with self.assertRaises(TimeoutError):
                    s.accept()

    def test_processes(self):
        host = os.getpid()
        marks = [self.dir / n for n in ("spawned", "forked")]
        got = self.attempts([f"spawn {marks[0]}", f"fork {marks[1]}", "exec /bin/true", f"exec {BIN}", "bomb x",
                             f"kill {host}", f"ptrace {host}", f"memory_of {host}", "unshare x"])
        self.stopped(got[f"spawn {marks[0]}"], "clone")
        self.stopped(got[f"fork {marks[1]}"], "clone")
        self.stopped(got["bomb x"], "clone")
        self.stopped(got["exec /bin/true"], "execve")
        self.stopped(got[f"exec {BIN}"], "execve")
        self.stopped(got[f"ptrace {host}"], "ptrace")
        self.stopped(got[f"memory_of {host}"], "process_vm_readv")
        self.stopped(got["unshare x"], "unshare")
        self.refused(got[f"kill {host}"])
        for what, call in ((f"spawn {marks[0]}", "clone"), (f"fork {marks[1]}", "clone"), ("bomb x", "clone"),
                           (f"ptrace {host}", "ptrace"), ("exec /bin/true", "execve")):
            self.assertIn(f"stopped at the system call {call},", self.at_load(what, 5))
        self.assertTrue(self.at_load(f"kill {host}", 0).startswith("refused"))
        for mark in marks:
            self.assertFalse(mark.exists())

    @unittest.skipUnless(IS_X86_64, "numbers of system calls")
    def test_calls(self):
        got = self.attempts([f"call {n}" for n in DENIED.values()] + ["int80 x"])
        for name, number in DENIED.items():
            with self.subTest(name):
                self.stopped(got[f"call {number}"], name)
        self.assertEqual(got["int80 x"]["verdict"], "error")
        self.assertNotIn("DONE", got["int80 x"]["reason"])

    @unittest.skipUnless(IS_X86_64, "numbers of system calls")
    def test_without_listeners(self):
        """Kernels and containers where nobody may listen: the filter's own signal ends it, and names no call."""
        get_notif_sizes = 3
        filtered = deny([SECCOMP], errno=22, first=get_notif_sizes)
        for v in self.attempts(["tcp 9", "fork x", "exec /bin/true"], preexec_fn=filtered).values():
            self.stopped(v, "that it tried")
        got = self.attempts(["thread x", "bomb x"], preexec_fn=filtered)
        for v in got.values():
            self.assertEqual(v["verdict"], "error", v)

    def test_what_it_was_given(self):
        secret = "telltale-of-mine"
        inherited = os.open("/etc/hostname", os.O_RDONLY)
        self.addCleanup(os.close, inherited)
        names = ["secret " + secret[::-1], "descriptors x"]
        for name, v in self.attempts(names, env={"SECRET": secret}, pass_fds=[inherited]).items():
            with self.subTest(name):
                self.refused(v)
        for name in names:
            said = self.at_load(name, 0, env={"SECRET": secret}, pass_fds=[inherited])
            self.assertTrue(said.startswith("refused"), said)

    def test_resources(self):
        got = self.attempts(["memory 4096", "threads 200"])
        self.refused(got["memory 4096"])
        self.refused(got["threads 200"])
        self.assertGreater(int(got["threads 200"]["reason"].split()[-1]), 30)  # some it may have
        self.assertGreater(int(got["memory 4096"]["reason"].split()[-1]), 1500)
        self.assertTrue(self.at_load("memory 4096", 0).startswith("refused"))

    def test_the_connection(self):
        got = self.attempts(["garbage x", "hang_up x", "exit 0", "exit 122"], "--timeout-ms", "1500")
        for name, v in got.items():
            self.assertEqual((v["verdict"], v["score"]), ("error", None), v)
        self.assertIn("exited with status 0", got["exit 0"]["reason"])

    def test_log(self):
        rows = [{"id": "1", "completion": "log 5000"}, {"id": "2", "completion": "a", "reference": "a"}]
        run, verdicts = self.verify(self.plugin(), rows)
        self.assertEqual([v["verdict"] for v in verdicts], ["fail", "pass"])
        self.assertEqual(run.err.count("much ado"), 1000)
        self.say(run, "the last line of this call that is shown")

    def test_names_load_nothing(self):
        """What a name means is found out without running anything of the file's."""
        mark = self.dir / "ran"
        self.plugin("named.so", at_load=f"write {mark}")
        rows = [{"id": "1", "completion": "loaded?", "reference": "x"}]
        _, verdicts = self.verify("named", rows, rc=0, env={"ASSAY_PLUGIN_PATH": str(self.dir)})
        self.assertTrue(verdicts[0]["reason"].startswith("refused"), verdicts)
        run, _ = self.verify("bad", rows, rc=5, env={"ASSAY_PLUGIN_PATH": str(self.dir)})
        self.say(run, "not found")
        self.assertFalse(mark.exists())
        self.verify("named", rows, rc=0, isolation="worker", env={"ASSAY_PLUGIN_PATH": str(self.dir)})
        self.assertTrue(mark.exists())

    def test_parts(self):
        """What the host says of a path is not for strangers; a part by name is in a jail of its own."""
        for path in ("/etc/passwd", "/no/such/file", str(BIN.parent / "plugins" / "exact.so")):
            self.assertIn("by a path that is in its configuration", self.at_load(f"part {path}", 0))
        self.assertTrue(self.at_load("part exact", 0).startswith("DONE"))

    def below(self, pid):
        found, new = [], [pid]
        while new:
            new = [c for p in new for c in workers_of(p)]
            found += new
        return found

    def start_staying(self):
        rows = self.file("in.jsonl", [{"id": "1", "completion": "stay x"}])
        host = self.start("verify", "-p", self.plugin(), "--isolation", "jail", "--no-cache", "-t", "1", "--in", rows,
                          "--out", self.dir / "out.jsonl", "--timeout-ms", "600000", **self.who)
        return host, self.both_of(host)

    def both_of(self, host):
        """The guard, and the plugin in its own pid namespace, when it is ready to stay for ever."""
        def look():
            both = self.below(host.pid)
            return both if len(both) == 2 and self.stays(both[1]) else None
        return wait_for(look)

    @staticmethod
    def stays(pid):
        """It starts 20 threads as a sign."""
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return False
        return int(status.split("Threads:")[1].split()[0]) > 20

    def test_dies_with_its_host(self):
        host, both = self.start_staying()
        host.kill()
        host.wait()
        wait_for(lambda: not any(map(is_alive, both)))

    def test_dies_with_its_guard(self):
        host, both = self.start_staying()
        os.kill(both[0], signal.SIGKILL)
        wait_for(lambda: not is_alive(both[1]))
        self.assertEqual(host.wait(timeout=60), 0)
        self.assertEqual(lines_of((self.dir / "out.jsonl").read_text())[0]["verdict"], "error")

    def test_interrupt(self):
        host, both = self.start_staying()
        host.send_signal(signal.SIGINT)
        self.assertEqual(host.wait(timeout=60), 130)
        wait_for(lambda: not any(map(is_alive, both)))


class SameAsNobody(Same):
    who = NOBODY


class BreakOutAsNobody(BreakOut):
    who = NOBODY

    def test_interrupt(self):
        self.skipTest("the same process")


class Refused(Jail):
    def refuse(self, *texts, **more):
        mark = self.dir / "ran"
        plugin = self.plugin(at_load=f"write {mark}")
        for args in (["-c", "1"], ["--in", self.file("in.jsonl", [{"completion": "1"}]), "--out", self.dir / "out.jsonl"]):
            run = self.assay("verify", "-p", plugin, "--isolation", "jail", *args, rc=4, **more)
            self.say(run, *texts)
            self.assertEqual(run.out, "")
        self.assertFalse(mark.exists())
        self.assertFalse((self.dir / "out.jsonl").exists())

    @unittest.skipUnless(IS_X86_64, "numbers of system calls")
    def test_without_namespaces(self):
        who = NOBODY if os.geteuid() == 0 else {}
        if who:
            reach_as_nobody(self)
            os.chmod(self.dir, 0o777)
        self.refuse("level none", "user namespace", "Operation not permitted", "->", preexec_fn=deny([UNSHARE]), **who)

    @unittest.skipUnless(IS_X86_64, "numbers of system calls")
    def test_without_seccomp(self):
        self.refuse("seccomp", "->", preexec_fn=deny([SECCOMP]))

    @unittest.skipUnless(IS_X86_64, "numbers of system calls")
    def test_without_clone3(self):
        self.refuse("->", preexec_fn=deny([CLONE3], 38))

    def test_unreadable_plugin(self):
        if os.geteuid() != 0:
            self.skipTest("root's own case")
        plugin = self.plugin()
        os.chmod(plugin, 0o700)
        run, _ = self.verify(plugin, [{"completion": "1"}], rc=4)
        self.say(run, "chmod o+r")

    def test_unreachable_plugin(self):
        """Root of a container, who is nobody in a jail, and a folder of root's alone."""
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("root's own case")
        run = subprocess.run(["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", str(BIN), "verify",
                              "-p", self.plugin(), "--isolation", "jail", "-c", "1"], capture_output=True, text=True,
                             env=self.env, cwd=self.dir, timeout=60, check=False)
        self.assertEqual(run.returncode, 4, run.stderr)
        if "reaches level" in run.stderr:
            self.skipTest("who is no root gets no namespaces here")
        self.assertIn("everybody may enter", run.stderr)

    def test_without_helper(self):
        """Taken apart: the layers cannot be tried, so nothing runs."""
        for name in ("assay", "assay-worker"):
            os.link(BIN.parent / name, self.dir / name) if os.stat(BIN).st_dev == os.stat(self.dir).st_dev else None
            if not (self.dir / name).exists():
                (self.dir / name).write_bytes((BIN.parent / name).read_bytes())
                os.chmod(self.dir / name, 0o755)
        run = subprocess.run([str(self.dir / "assay"), "verify", "-p", self.plugin(), "--isolation", "jail", "-c", "1"],
                             capture_output=True, text=True, env=self.env, cwd=self.dir, timeout=60)
        self.assertEqual(run.returncode, 4, run.stderr)


def reach_as_nobody(test):
    try:
        subprocess.run([str(BIN), "--version"], capture_output=True, cwd="/", check=True, **NOBODY)
    except (PermissionError, subprocess.CalledProcessError):
        test.skipTest("nobody cannot execute what was built here")


def load_tests(loader, _tests, _pattern):
    suite = unittest.TestSuite()
    for case in (Same, BreakOut, Refused):
        suite.addTests(loader.loadTestsFromTestCase(case))
    if os.geteuid() == 0:
        for case in (SameAsNobody, BreakOutAsNobody):
            suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


def try_first():
    """A machine without the layers, or a build that cannot be jailed, is skipped by name."""
    run = subprocess.run([str(BIN), "verify", "-p", str(BIN.parent / "plugins" / "exact.so"), "-c", "1", "--isolation",
                          "jail", "--no-cache"], capture_output=True, text=True, timeout=60, check=False)
    if run.returncode == 4:
        print(f"SKIP jail: {run.stderr.strip()[:300]}")
        sys.exit(77)


if __name__ == "__main__":
    if BIN.exists():
        try_first()
    main()
