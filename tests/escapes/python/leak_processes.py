# expect: ok
# forbidden: another process can be seen or reached
import os
if os.getpid() != 1 or os.getppid() != 0: PW("pid %d of %d" % (os.getpid(), os.getppid()))
for pid in list(range(2, 50)) + [-1, 0]:
    try:
        if pid > 1: os.getpgid(pid); PW("group of %d" % pid)
    except OSError: pass
def f(x): return sorted(x)
