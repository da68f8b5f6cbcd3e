# expect: ok
# forbidden: bytes of an earlier job in fresh memory
import ctypes, mmap
m = mmap.mmap(-1, 1 << 22)
if m[:].strip(b"\0"): PW("bytes in fresh pages")
def f(x): return sorted(x)
