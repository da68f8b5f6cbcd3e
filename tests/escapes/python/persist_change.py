# expect: ok
# forbidden: the system's files changed
import os
for p in ("/usr/bin/env", "/usr/lib/python3.11/os.py", "/dev/null", "/tmp", "/usr"):
    for act in (lambda: os.chmod(p, 0o777), lambda: os.truncate(p, 1 << 20), lambda: os.utime(p),
                lambda: os.rename(p, p + "x"), lambda: os.unlink(p), lambda: os.open(p, os.O_WRONLY | os.O_TRUNC)):
        try: act()
        except OSError: continue
        if p != "/dev/null": PW(p)
def f(x): return sorted(x)
