# expect: sandbox_violation
# forbidden: a shell by the C library
import ctypes
if ctypes.CDLL(None).system(b"true") == 0: PW("shell")
