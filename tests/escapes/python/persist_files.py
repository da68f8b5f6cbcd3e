# expect: ok
# forbidden: a file outlives the job
import os
for d in ("/tmp", "/var/tmp", "/dev/shm", "/usr/lib", "/usr/lib/python3/dist-packages", "/etc", "/dev", "/",
          "/run", "."):
    try:
        fd = os.open(d + "/" + MARK, os.O_CREAT | os.O_WRONLY, 0o666); PW("file in " + d)
    except OSError: pass
    for make in (os.mkdir, os.mkfifo, lambda p: os.symlink("/etc/passwd", p), lambda p: os.link("/usr/bin/env", p)):
        try: make(d + "/" + MARK); PW("made something in " + d)
        except OSError: pass
def f(x): return sorted(x)
