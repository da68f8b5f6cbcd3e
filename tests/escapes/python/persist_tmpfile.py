# expect: ok
# forbidden: a file without a name
import os
for d in ("/tmp", "/var/tmp", "/dev/shm", "/"):
    try: os.open(d, os.O_TMPFILE | os.O_RDWR); PW("nameless file in " + d)
    except OSError: pass
def f(x): return sorted(x)
