"""box_groups.py -- control groups under the sandbox: the bound on all processes of a job, and what the machine does to
the groups: removed under us, left by a supervisor that was killed, full above us, given to somebody without rights, not
to be had.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import pwd
import signal
import subprocess
import sys
import unittest

import box
from box_faults import FINE, SLEEP, begin, gone, wait_until

ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody").pw_uid
# Children that have their memory all at the same time, each less than one process may have.
HOG = """import os
ready, tell = os.pipe()
hold, let = os.pipe()
for i in range(%d):
    if os.fork() == 0:
        os.close(let)
        memory = b"1" * (%d << 20)
        os.write(tell, b"x")
        os.close(tell)
        os.read(hold, 1)
        os._exit(0)
os.close(tell)
had = b""
while part := os.read(ready, 8):
    had += part
os.close(let)
print(len(had), flush=True)
"""
FORKS = """import os, sys
r, w = os.pipe()
n = 0
try:
    for n in range(40):
        if os.fork() == 0:
            os.close(w)
            os.read(r, 1)
            os._exit(0)
except OSError as e:
    print(n, e, flush=True)
    sys.exit(1)
"""


def command(b, program, **job):
    """A Python program as a compiler would run: it may start processes."""
    limits = dict(mem_mib=128, cpu_ms=60000, wall_ms=120000)
    limits.update(job)
    return b.run("", language="exec", policy="compile", entry="/usr/bin/python3\0program.py\0", calls=[b"(0"],
                 files=[("program.py", program)], **limits)


def own(controller):
    """The group of version 1 that a box started here makes its groups in; None: there is none."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == controller:
            for below in (path.lstrip("/"), ""):
                where = pathlib.Path("/sys/fs/cgroup", controller, below)
                if (where / "tasks").exists():
                    return where
    return None


class Nest:
    """Groups of version 1 for a box of a test, below the caller's."""

    def __init__(self, owner=None):
        if not ROOT or not own("memory") or not own("pids"):
            raise unittest.SkipTest("needs root and control groups of version 1")
        self.dirs = [own(c) / f"box-groups-{os.getpid()}" for c in ("memory", "pids")]
        for d in self.dirs:
            d.mkdir()
            if owner is not None:
                for path in (d, *d.iterdir()):
                    os.chown(path, owner, owner)

    def enter(self):
        for d in self.dirs:
            (d / "tasks").write_text("0")

    def leave(self, pid):
        for d in self.dirs:
            (d.parent / "tasks").write_text(str(pid))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for d in self.dirs:
            if d.exists():
                self.assert_empty(d)
                wait_until(lambda: not (d / "tasks").read_text().strip())
                d.rmdir()

    @staticmethod
    def assert_empty(d):
        left = [e.name for e in d.iterdir() if e.is_dir()]
        if left:
            raise AssertionError(f"groups are left: {left}")


class WithGroups(unittest.TestCase):
    def open_box(self, **kinds):
        """A box whose jobs are in a group; else the test is skipped."""
        b = box.Box(**kinds)
        self.addCleanup(b.close)
        r = b.run(FINE)
        self.assertEqual((r.status, r.output), ("ok", b"42\n"), r.note)
        if not box.groups(b.process.pid):
            self.skipTest("no control group can be made here")
        return b

    def check_fine(self, b):
        r = b.run(FINE)
        self.assertEqual((r.status, r.output), ("ok", b"42\n"), r.note)


class Bound(WithGroups):
    def check_together(self, b):
        r = command(b, HOG % (6, 80))
        self.assertEqual(r.status, "mle", r.note + r.errors.decode())
        self.assertIn("128 MiB", r.note)
        self.check_fine(b)
        r = command(b, HOG % (2, 20))
        self.assertEqual((r.status, r.output), ("ok", b"2\n"), r.note + r.errors.decode())

    def test_children_together(self):
        b = self.open_box()
        for _ in range(2):
            self.check_together(b)

    def test_children_as_nobody_who_was_given_groups(self):
        with Nest(NOBODY) as nest:
            b = box.Box(preexec_fn=nest.enter, user=NOBODY, group=NOBODY, extra_groups=[])
            try:
                self.check_fine(b)
                self.assertTrue(box.groups(b.process.pid))
                self.check_together(b)
            finally:
                b.close()

    def test_processes(self):
        b = self.open_box()
        for procs in (10, 30):
            r = command(b, FORKS, procs=procs)
            self.assertEqual(r.status, "pids_limit", r.note + r.output.decode() + r.errors.decode())
            self.assertLess(int(r.output.split()[0]), procs)
        self.check_fine(b)

    def test_a_process_by_itself_has_the_same_word(self):
        """Its address space is bounded first: it hears of that, and may go on."""
        b = self.open_box()
        r = b.run("x = b'1' * (800 << 20)")
        self.assertEqual((r.status, r.note), ("mle", "MemoryError"))
        r = b.run("try: x = b'1' * (800 << 20)\nexcept MemoryError: print('went on')")
        self.assertEqual((r.status, r.output), ("ok", b"went on\n"), r.note)
        r = b.run("x = b'1' * (200 << 20)\nprint(len(x) >> 20)", mem_mib=100)
        self.assertEqual((r.status, r.output), ("ok", b"200\n"), r.note)

    def test_a_disk_is_not_the_memory(self):
        """It has its own bound, and a file that is too large is no memory that is too much."""
        b = self.open_box()
        for _ in range(3):
            r = command(b, "import sys\ntry:\n  for i in range(9):\n    open(f'/tmp/{i}', 'wb').write(b'1' * (10 << 20))\n"
                           "except OSError as e: print(i, e.errno)", mem_mib=32)
            self.assertEqual((r.status, r.output), ("ok", b"6 28\n"), r.note + r.errors.decode())

    def test_out_of_sight(self):
        b = self.open_box()
        r = b.run("import os\ndef there(fd):\n  try: os.fstat(fd); return True\n  except OSError: return False\n"
                  "print([p for p in ('/sys', '/proc', '/sys/fs/cgroup') if os.path.exists(p)], "
                  "[fd for fd in range(3, 1500) if there(fd)])")
        self.assertEqual((r.status, r.output), ("ok", b"[] [1100]\n"), r.note)


class Faults(WithGroups):
    def test_removed_between_jobs(self):
        b = self.open_box()
        for _ in range(3):
            for group in box.groups(b.process.pid):
                group.rmdir()
            self.check_fine(b)
            self.assertTrue(box.groups(b.process.pid), "it is not made again")
            r = command(b, HOG % (6, 80))
            self.assertEqual(r.status, "mle", r.note)

    def test_removed_during_a_job(self):
        b = self.open_box()
        if not ROOT or not own("memory"):
            self.skipTest("needs root and control groups of version 1")
        pid = begin(b, "import sys\nprint('begun', flush=True)\nprint(sys.stdin.read())\n" + SLEEP)
        groups = box.groups(b.process.pid)
        for g in groups:
            self.assertIn(str(pid), (g / "tasks").read_text().split(), "the job is not in it")
        for g in groups:
            self.assertRaises(OSError, g.rmdir)
            (g.parent / "tasks").write_text(str(pid))
            g.rmdir()
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(b.receive().status, "mle")  # as where there are no groups: who else but the kernel
        self.check_fine(b)
        self.assertTrue(box.groups(b.process.pid))

    def test_no_place_any_more(self):
        """Then jobs go on without, with the limits of each process."""
        with Nest() as nest:
            b = box.Box(preexec_fn=nest.enter)
            try:
                self.check_fine(b)
                nest.leave(b.process.pid)
                for pid in box.children(b.process.pid):
                    nest.leave(pid)
                for d in (*box.groups(b.process.pid), *nest.dirs):
                    d.rmdir()
                self.check_fine(b)
                r = command(b, HOG % (6, 80))
                self.assertEqual((r.status, r.output), ("ok", b"6\n"), r.note)
                r = b.run("x = b'1' * (800 << 20)")
                self.assertEqual(r.status, "mle", r.note)
                self.assertEqual(box.groups(b.process.pid), [])
            finally:
                b.close()

    def test_supervisor_killed(self):
        """What it leaves is empty, and gone when the next one opens."""
        for source in (SLEEP, "while True: pass"):
            b = box.Box(slots=2)
            pid = begin(b, source)
            groups = box.groups(b.process.pid)
            b.process.kill()
            b.close()
            if not groups:
                self.skipTest("no control group can be made here")
            self.assertTrue(wait_until(lambda: gone(pid)))
            for g in groups:
                self.assertTrue(wait_until(lambda: not (g / "cgroup.procs").read_text()), "a process is left in it")
            self.open_box()
            self.assertEqual([g for g in groups if g.exists()], [])

    def test_a_living_one_keeps_its_own(self):
        b = self.open_box()
        groups = box.groups(b.process.pid)
        self.assertTrue(groups)
        self.open_box()
        self.assertEqual([g for g in groups if not g.exists()], [])

    def test_closed(self):
        b = self.open_box(slots=2)
        command(b, HOG % (2, 20))
        self.assertGreaterEqual(len(box.groups(b.process.pid)), 2)
        b.close()
        self.assertEqual(box.groups(b.process.pid), [])

    def test_too_little_above(self):
        """Not the job's doing: no verdict on it."""
        with Nest() as nest:
            memory = nest.dirs[0]
            b = box.Box(preexec_fn=nest.enter)
            try:
                self.check_fine(b)
                (memory / "memory.limit_in_bytes").write_text(str(200 << 20))
                r = b.run("x = b'1' * (400 << 20)\nprint(1)")
                self.assertEqual(r.status, "sandbox_error", r.note)
                self.assertIn("allow each less", r.note)
                self.check_fine(b)
            finally:
                b.close()


class Without(unittest.TestCase):
    def in_a_world(self, script):
        if not ROOT or not own("memory") or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
            self.skipTest("needs root, control groups of version 1 and unshare -m")
        return box.Box(before=["unshare", "-m", "sh", "-ec", script + '\nexec "$@"', "sh"])

    def test_none_is_mounted_or_it_is_read_only(self):
        memory = "/sys/fs/cgroup/memory"
        for script in (f"umount -l {memory}", f"mount -o remount,bind,ro {memory}", "umount -l -R /sys/fs/cgroup"):
            with self.in_a_world(script) as b:
                r = b.run(FINE)
                self.assertEqual((r.status, r.output), ("ok", b"42\n"), r.note)
                self.assertEqual(box.groups(b.process.pid), [])
                r = command(b, HOG % (2, 20))
                self.assertEqual((r.status, r.output), ("ok", b"2\n"), r.note)

    def test_memory_only(self):
        with self.in_a_world("umount -l /sys/fs/cgroup/pids") as b:
            self.assertEqual(b.run(FINE).status, "ok")
            self.assertEqual(command(b, HOG % (6, 80)).status, "mle")
            r = command(b, FORKS, procs=10)
            self.assertEqual((r.status, r.exit_code), ("runtime_error", 1), r.note)

    def test_nobody(self):
        """The bounds of each process hold; there is none on all of them."""
        few = dict(user=NOBODY, group=NOBODY, extra_groups=[]) if ROOT else {}
        with box.Box(**few) as b:
            r = b.run(FINE)
            self.assertEqual((r.status, r.output), ("ok", b"42\n"), r.note)
            if box.groups(b.process.pid):
                self.skipTest("this user may make control groups")
            r = command(b, HOG % (6, 80))
            self.assertEqual((r.status, r.output), ("ok", b"6\n"), r.note)
            r = command(b, HOG % (1, 500))
            self.assertEqual(r.output, b"0\n", r.note)


if __name__ == "__main__":
    with box.Box() as probe:
        first = probe.run("pass")
    if first.status == "sandbox_error":
        print(f"SKIP box_groups: {first.note}")
        sys.exit(77)
    unittest.main(verbosity=2)
