# expect: ok
# forbidden: the process's own guards taken off
import ctypes
for option, a in ((1, 0), (4, 1), (15, b"x"), (23, 0), (38, 0), (22, 2), (35, 1), (8, 1), (36, 1)):
    if SYS(157, option, a, 0, 0, 0) == 0 and option != 23: PW("prctl %d" % option)
def f(x): return sorted(x)
