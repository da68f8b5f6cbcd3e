# expect: ok
# forbidden: ... as C sees it
import ctypes
env = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
i = 0
while env[i]:
    name, value = env[i].split(b"=", 1)
    if name not in (b"LANG", b"LC_ALL", b"PATH") and (not name.endswith(b"_NUM_THREADS") or value != b"1"): PW(env[i])
    i += 1
def f(x): return sorted(x)
