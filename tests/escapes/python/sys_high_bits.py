# expect: fail
# forbidden: bits above the 32 a filter may have looked at
import ctypes
l = ctypes.CDLL(None, use_errno=True)
TIOCSTI = 0x5412
if l.syscall(16, 0, ctypes.c_ulong(1 << 32 | TIOCSTI), b"x") == 0: PW("ioctl")
if l.syscall(ctypes.c_long(1 << 32 | 41), 2, 1, 0) >= 0: PW("socket")
