# expect: ok
# forbidden: other processors than it was given
import os
try: os.sched_setaffinity(0, {0}); PW("affinity")
except OSError: pass
def f(x): return sorted(x)
