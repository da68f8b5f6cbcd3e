"""box_faults.py -- what the machine does to the sandbox: helpers and supervisors killed, stopped, missing, without
processes, descriptors or a place; 10,000 jobs in a row. A failure of ours is sandbox_error, never a verdict; afterwards
nothing is left, and the next job runs.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import pwd
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import box

ROOT = os.geteuid() == 0
FINE = "print(21 * 2)"
SLEEP = "import time\nprint('begun', flush=True)\ntime.sleep(3600)"
MOST = int(os.environ.get("BOX_FAULTS_JOBS", "10000"))


def gone(pid):
    return box.state_and_parent(pid)[0] in "ZX"


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def filtered(pid):
    """Whether a process is behind its filter: the job itself, not what a helper forks while it is set up."""
    try:
        return "\nSeccomp:\t2\n" in pathlib.Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return False


def begin(b, source=SLEEP, **job):
    """A job that is there and stays: its process id. Ours to receive. A first one ends when all layers were tried."""
    b.run(FINE)
    b.send(source, cpu_ms=600000, wall_ms=600000, **job)
    found = []

    def there():
        found[:] = [c for z in box.zygotes(b) for c in box.children(z) if filtered(c)]
        return len(found) > 0

    if not wait_until(there):
        raise AssertionError("the job does not begin")
    return found[0]


class Killed(unittest.TestCase):
    def check_next(self, b):
        r = b.run(FINE)
        self.assertEqual((r.status, r.output), ("ok", b"42\n"), r.note)

    def test_helper_during_a_job(self):
        for source, job in ((SLEEP, {}), ("while True: pass", {}), (SLEEP, {"policy": "files"})):
            with box.Box() as b:
                pid = begin(b, source, **job)
                os.kill(box.zygotes(b)[0], signal.SIGKILL)
                r = b.receive()
                self.assertEqual(r.status, "sandbox_error", r.note)
                self.assertTrue(wait_until(lambda: gone(pid)), "the job is still there")
                self.check_next(b)

    def test_helper_between_jobs(self):
        with box.Box() as b:
            self.check_next(b)
            for _ in range(3):
                os.kill(box.zygotes(b)[0], signal.SIGKILL)
                time.sleep(0.1)
                self.check_next(b)

    def test_job_from_outside(self):
        with box.Box() as b:
            os.kill(begin(b), signal.SIGKILL)
            self.assertEqual(b.receive().status, "mle")  # who else but the kernel, for memory
            self.check_next(b)

    def test_supervisor(self):
        for source in (SLEEP, "while True: pass"):
            b = box.Box()
            pid = begin(b, source)
            all_of_it = [b.process.pid, *box.children(b.process.pid)]
            self.assertIn(pid, all_of_it)
            b.process.kill()
            b.process.wait()
            self.assertTrue(wait_until(lambda: all(map(gone, all_of_it))), "something is left")
            self.assertRaises(box.Gone, b.receive)
            b.close()

    def test_supervisor_and_helper_at_once(self):
        b = box.Box()
        pid = begin(b)
        for victim in [*box.zygotes(b), b.process.pid]:
            os.kill(victim, signal.SIGKILL)
        b.process.wait()
        self.assertTrue(wait_until(lambda: gone(pid)), "the job is still there")
        b.close()

    def test_supervisor_closes_in_order(self):
        b = box.Box(slots=2)
        b.run(FINE)
        all_of_it = box.children(b.process.pid)
        self.assertTrue(all_of_it)
        b.close()
        self.assertTrue(wait_until(lambda: all(map(gone, all_of_it))))

    def test_interrupt_of_the_terminal_is_not_for_helpers(self):
        with box.Box(start_new_session=True) as b:
            pid = begin(b)
            self.assertNotEqual(os.getsid(box.zygotes(b)[0]), os.getsid(b.process.pid))
            self.assertNotIn(os.getpgid(pid), (os.getpgid(b.process.pid), os.getpgid(0)))
            os.kill(box.zygotes(b)[0], signal.SIGKILL)
            b.receive()

    def test_helper_stopped(self):
        with box.Box() as b:
            self.check_next(b)
            stopped = box.zygotes(b)[0]
            os.kill(stopped, signal.SIGSTOP)
            r = b.run(FINE)
            self.assertEqual(r.status, "sandbox_error", r.note)
            self.assertTrue(gone(stopped))
            self.check_next(b)


class Missing(unittest.TestCase):
    def test_helpers(self):
        with tempfile.TemporaryDirectory() as empty:
            b = box.Box(helpers=empty)
            with self.assertRaises(box.Gone) as caught:
                b.run(FINE), b.run(FINE)
            self.assertIn("assay-box", str(caught.exception))
            b.close()
            self.assertEqual(b.process.returncode, 3)

    def test_python_module(self):
        with tempfile.TemporaryDirectory() as half:
            shutil.copy(box.BUILD / "assay-box", half)
            with box.Box(helpers=half) as b:
                r = b.run(FINE)
                self.assertEqual(r.status, "sandbox_error")
                self.assertIn("does not start", r.note)
                r = b.run("int main(void){return 0;}", language="c")
                self.assertEqual(r.status, "ok", r.note)

    def test_interpreter(self):
        with box.Box(python=["/usr/bin/no-python3"]) as b:
            r = b.run(FINE)
            self.assertEqual(r.status, "sandbox_error")
            self.assertIn("/usr/bin/no-python3", r.note)
        with box.Box(python=["/usr/bin/true"]) as b:
            self.assertEqual(b.run(FINE).status, "sandbox_error")

    def test_descriptors(self):
        """A supervisor that has run out of them says so, and goes on when it has some."""
        with box.Box() as b:
            self.assertEqual(b.run(FINE).status, "ok")
            old = resource.prlimit(b.process.pid, resource.RLIMIT_NOFILE)
            used = len(os.listdir(f"/proc/{b.process.pid}/fd"))
            for spare in range(9):
                resource.prlimit(b.process.pid, resource.RLIMIT_NOFILE, (used + spare, old[1]))
                r = b.run(FINE)
                self.assertIn(r.status, ("sandbox_error", "ok"), r.note)
                resource.prlimit(b.process.pid, resource.RLIMIT_NOFILE, old)
                r = b.run(FINE)
                self.assertEqual(r.status, "ok", r.note)
                self.assertEqual(len(os.listdir(f"/proc/{b.process.pid}/fd")), used)

    def test_processes(self):
        """fork fails: in the supervisor, and in the helper."""
        user = pwd.getpwnam("nobody").pw_uid if ROOT else os.getuid()
        few = dict(user=user, group=user) if ROOT else {}
        hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]

        def limit_processes(pid, limit):  # by that user: root of a container may not
            subprocess.run(["prlimit", f"--pid={pid}", f"--nproc={limit}"], check=True, **few)

        b = box.Box(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (0, 0)), **few)
        with self.assertRaises(box.Gone) as caught:  # it cannot even try its layers
            b.run(FINE), b.run(FINE)
        self.assertIn("Resource temporarily unavailable", str(caught.exception))
        b.close()
        with box.Box(**few) as b:
            self.assertEqual(b.run(FINE).status, "ok")
            for z in box.zygotes(b):  # the next one cannot be started
                os.kill(z, signal.SIGKILL)
                self.assertTrue(wait_until(lambda: gone(z)))
            limit_processes(b.process.pid, "0:")
            r = b.run(FINE)
            self.assertEqual(r.status, "sandbox_error")
            self.assertIn("does not start", r.note)
            limit_processes(b.process.pid, "unlimited:" if hard == resource.RLIM_INFINITY else f"{hard}:")
            self.assertEqual(b.run(FINE).status, "ok")
            limit_processes(box.zygotes(b)[0], "0:0")
            r = b.run(FINE)
            self.assertEqual(r.status, "sandbox_error")
            self.assertIn("clone3", r.note)
            r = b.run(FINE)
            self.assertEqual(r.status, "ok", r.note)

    def in_a_world(self, script):
        """Runs jobs where `script` has changed the mounts."""
        if pathlib.Path("/tmp") in box.BUILD.resolve().parents:
            self.skipTest("built where the mounts would hide it")
        unshare = ["unshare", "-m"] if ROOT else ["unshare", "-rm"]
        if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
            self.skipTest("unshare -m does not work here")
        command = [*unshare, "sh", "-ec", script + '\nexec "$@"', "sh"]
        with box.Box(before=command) as b:
            for policy in (None, "files"):
                r = b.run(FINE, policy=policy)
                self.assertEqual((r.status, r.output), ("ok", b"42\n"), r.note)
            r = b.run('#include <stdio.h>\nint main(void){puts("42");}', language="c")
            self.assertEqual((r.status, r.output), ("ok", b"42\n"), r.note + r.errors.decode())

    def test_disk_full(self):
        self.in_a_world("for d in /tmp /dev/shm /var/tmp; do mount -t tmpfs -o size=4k none $d; "
                        "head -c 8192 /dev/zero >$d/full 2>/dev/null || true; done; cd /tmp")

    def test_tmp_read_only(self):
        self.in_a_world("mount -t tmpfs -o ro none /tmp; cd /tmp")

    def test_no_tmp(self):
        if not ROOT:
            self.skipTest("a user namespace in a changed root is not to be had")
        keep = "usr bin lib lib64 etc dev proc " + str(box.BUILD.resolve()).split("/")[1]
        self.in_a_world(f"mount -t tmpfs none /mnt; cd /mnt; mkdir {keep} old run; "
                        f"for d in {keep}; do mount --rbind /$d $d; done; pivot_root . old; cd /; "
                        "umount -l old; rmdir old; test ! -e /tmp")


class Clock(unittest.TestCase):
    def test_time_of_day_jumps(self):
        library = box.BUILD / "tests" / "escapes" / "jumping_clock.so"
        if not library.exists():
            self.skipTest("built with sanitizers: nothing is preloaded")
        with box.Box(env={**os.environ, "LD_PRELOAD": str(library)}) as b:
            for source, status in ((FINE, "ok"), ("while True: pass", "tle_cpu"), (SLEEP, "tle_wall")) * 3:
                r = b.run(source, cpu_ms=200, wall_ms=1000)
                if not (status == "tle_cpu" and r.status == "tle_wall"):  # a machine with other things to do
                    self.assertEqual(r.status, status, r.note)
                self.assertLess(r.wall_us, 30_000_000)


class Row(unittest.TestCase):
    def look(self, b):
        zygote = box.zygotes(b)[0]
        rss = []
        for pid in (b.process.pid, zygote):
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            rss.append(int(status.split("VmRSS:")[1].split()[0]))
        return {"processes": len(box.children(b.process.pid)),
                "descriptors": [len(os.listdir(f"/proc/{pid}/fd")) for pid in (b.process.pid, zygote)],
                "mounts": [len(pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines())
                           for pid in (os.getpid(), zygote)],
                "groups": len(box.groups(b.process.pid)),
                "zygote": zygote}, rss

    def test_many(self):
        """One helper for all of them; nothing grows."""
        kinds = [(FINE, {}, "ok"), ("1/0", {}, "runtime_error"),
                 ("import socket\nsocket.socket()", {}, "sandbox_violation"),
                 ("print('x' * 3000000)", {}, "ole"), ("import os\nos._exit(0)", {}, "ok"),
                 ("def f(x): return [x] * 1000", {"entry": "f", "calls": [b"(1i1;"]}, "ok"),
                 ("open('/tmp/x', 'w').write('x' * 100000)", {"policy": "files"}, "ok"),
                 ("import threading\nthreading.Thread(target=print).start()", {"policy": "threads"}, "ok")]
        order = [kinds[0]] * 33 + kinds[1:]
        with box.Box(jobs_per_zygote=10**6) as b:
            before = None
            for i in range(MOST):
                source, job, status = order[i % len(order)]
                r = b.run(source, wall_ms=60000, cpu_ms=20000, **job)
                self.assertEqual(r.status, status, f"job {i}: {source!r}: {r.note}")
                if i == min(1000, MOST // 10):
                    before = self.look(b)
            after = self.look(b)
            print(f"{MOST} jobs: {before} -> {after} (KiB: supervisor, helper)")
            self.assertEqual(before[0], after[0])
            for was, now in zip(before[1], after[1]):
                if "ASAN_OPTIONS" not in os.environ:  # it keeps what was freed for a while
                    self.assertLess(now, was + 512)

    def test_helpers_are_replaced(self):
        seen = set()
        with box.Box(jobs_per_zygote=5) as b:
            for _ in range(30):
                self.assertEqual(b.run(FINE).status, "ok")
                self.assertEqual(len(box.zygotes(b)), 1)
                seen.add(box.zygotes(b)[0])
        self.assertEqual(len(seen), 6)


# Reads all memory it can find from where things are, asking a pipe what is mapped, and prints what follows each place
# where the first half of the marker stands. It knows that half by its complement only.
SEARCH = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
r, w = os.pipe()
half = bytes(255 - b for b in bytes.fromhex(%r))
def mapped(page):
    if libc.write(w, ctypes.c_void_p(page), 1) != 1: return False
    os.read(r, 1)
    return True
libc.sbrk.restype = ctypes.c_void_p
stack = ctypes.create_string_buffer(8)
anchors = [id(object()), id([]), id({}), id('x' * 5000), ctypes.addressof(stack), libc.sbrk(0) - 4096, id(type),
           ctypes.cast(libc.write, ctypes.c_void_p).value, id(os), id(b'x' * 70000), id(bytearray(1 << 20))]
anchors += [ctypes.cast(ctypes.pointer(ctypes.py_object()), ctypes.c_void_p).value]
env = ctypes.POINTER(ctypes.c_void_p).in_dll(libc, 'environ')
anchors.append(env[0])
seen, total = set(), 0
def look(start, n):
    data = ctypes.string_at(start, n)
    at = data.find(half)
    while at >= 0:
        print('FOUND', data[at + len(half):at + 2 * len(half)].hex())
        at = data.find(half, at + 1)
for a in anchors:
    for step in (4096, -4096):
        page, holes, run = a & ~4095, 0, []
        if step < 0: page -= 4096
        while holes < 64 and len(seen) < 60000 and page > 0:
            if page in seen: break
            if mapped(page):
                seen.add(page); run.append(page); holes = 0
            else: holes += 1
            page += step
        run.sort()
        i = 0
        while i < len(run):
            j = i
            while j + 1 < len(run) and run[j + 1] == run[j] + 4096: j += 1
            look(run[i], run[j] + 4096 - run[i])
            i = j + 1
print('pages', len(seen))
%s
"""


class Memory(unittest.TestCase):
    def test_nothing_of_an_earlier_job(self):
        with box.Box() as b:
            marker = secrets.token_bytes(32)
            half, rest = marker[:16], marker[16:]
            hidden = bytes(255 - x for x in half).hex()
            own = "keep = bytes.fromhex('%s') * 3\n" % marker.hex()
            limits = dict(cpu_ms=60000, wall_ms=120000, mem_mib=1024)
            r = b.run(own + SEARCH % (hidden, ""), **limits)  # it does find what is there
            self.assertEqual(r.status, "ok", r.note + r.errors.decode())
            self.assertIn(rest.hex().encode(), r.output)
            for policy in (None, "files"):
                b.run(own + "print(keep.hex())", stdin=marker * 50, policy=policy)
                r = b.run("def f(*x): return x", entry="f", calls=[box.encode((marker, [marker] * 5, marker.hex()))])
                self.assertEqual(r.values[0][0], "ok")
            r = b.run(SEARCH % (hidden, ""), **limits)
            self.assertEqual(r.status, "ok", r.note + r.errors.decode())
            self.assertGreater(int(r.output.split()[-1]), 1000, "it has seen next to nothing")
            self.assertNotIn(rest.hex().encode(), r.output)  # behind its own half stand other things

    def test_poison(self):
        """What a job does to the interpreter is gone with it."""
        poison = ("import builtins, sys, json, ctypes, gc, os\nbuiltins.sorted = lambda *a: 'poisoned'\n"
                  "json.dumps = None\nsys.modules['math'] = None\nsys.path.append('/poison')\n"
                  "sys.setrecursionlimit(50)\nctypes.memset(id(7) + 24, 1, 1)\nos.environ['POISON'] = '1'\n")
        with box.Box() as b:
            for _ in range(3):
                b.run(poison)
                r = b.run("import json, math, sys, os\nprint(sorted([2, 1]), json.dumps(7), math.sqrt(4),"
                          " '/poison' in sys.path, sys.getrecursionlimit() > 500, 'POISON' in os.environ)")
                self.assertEqual(r.output, b"[1, 2] 7 2.0 False True False\n", r.note)

    def test_same_again(self):
        """Chance and the order of sets are the seed's; another seed gives another order."""
        source = ("import random\nprint(random.random(), random.sample(range(99), 5))\n"
                  "print(list({chr(97 + i) for i in range(20)}), hash('x'))")
        with box.Box() as a, box.Box() as b:
            first = a.run(source)
            self.assertEqual(first.status, "ok", first.note)
            self.assertEqual(first.output, b.run(source).output)
            self.assertEqual(first.output, a.run(source).output)
            other = a.run(source, seed=5)
            self.assertEqual(other.status, "ok", other.note)
            self.assertNotEqual(first.output.split(b"\n")[0], other.output.split(b"\n")[0])
            self.assertNotEqual(first.output.split(b"\n")[1], other.output.split(b"\n")[1])
            self.assertEqual(first.output, a.run(source).output)


if __name__ == "__main__":
    with box.Box() as probe:
        first = probe.run("pass")
    if first.status == "sandbox_error":
        print(f"SKIP box_faults: {first.note}")
        sys.exit(77)
    unittest.main(verbosity=2)
