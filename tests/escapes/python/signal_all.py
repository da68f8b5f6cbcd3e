# expect: ok
# forbidden: a signal reaches somebody else
import os, signal
for pid in (-1, 0, 2, os.getppid(), 4194303):
    try: os.kill(pid, signal.SIGKILL)
    except OSError: pass
def f(x): return sorted(x)
