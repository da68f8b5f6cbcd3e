# expect: ok
# modes: calls,tester
# forbidden: standard output held or closed delays the verdict or breaks it
import os
for i in range(5): os.dup(1); os.dup(2)
for fd in (0, 1, 2): os.close(fd)
def f(x): return sorted(x)
