# expect: fail
# forbidden: native code of the interpreter rewritten (what it may do stays the same)
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
fn = ctypes.cast(ctypes.pythonapi.PyLong_AsLongAndOverflow, ctypes.c_void_p).value
page = fn & ~4095
def f(x):
    if libc.mprotect(ctypes.c_void_p(page), 8192, 7) == 0:
        ctypes.memmove(fn, bytes.fromhex("b801000000c3"), 6)
    return [7, 7, 7]
