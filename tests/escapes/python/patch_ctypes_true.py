# expect: fail
# forbidden: None, True and False changed in memory
import ctypes
def f(x):
    ctypes.memmove(id(None), id([1]), 16)
    return None
