# expect: sandbox_violation
# forbidden: the kernel's asynchronous files
import ctypes
if SYS(206, 8, ctypes.byref(ctypes.c_ulong(0))) >= 0: PW("io_setup")
