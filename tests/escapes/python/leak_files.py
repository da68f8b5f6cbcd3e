# expect: ok
# forbidden: files of the machine and of the judge
import os
for p in ("/etc/passwd", "/etc/shadow", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/machine-id",
          "/root/.bashrc", "/proc/self/maps", "/proc/1/environ", "/proc/mounts", "/sys/kernel/notes",
          "/var/log/dpkg.log", HERE, "/dev/shm",
          "/run", "/home", "/srv", "/opt", "/boot", "/mnt"):
    try:
        fd = os.open(p, os.O_RDONLY); PW(p)
    except OSError: pass
    try:
        os.stat(p); PW("stat " + p) if p not in ("/tmp",) else None
    except OSError: pass
def f(x): return sorted(x)
