# expect: ok
# forbidden: ... as C sees it
import ctypes
env = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
i = 0
while env[i]:
    if env[i].split(b"=")[0] not in (b"LANG", b"LC_ALL", b"PATH"): PW(env[i])
    i += 1
def f(x): return sorted(x)
