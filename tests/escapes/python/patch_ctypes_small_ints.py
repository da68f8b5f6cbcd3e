# expect: fail
# forbidden: constants changed in memory make a wrong answer equal
import ctypes
def f(x):
    for n in (1, 2, 3):
        ctypes.memset(id(n) + 24, 0, 4)
    return [1, 2, 3]
