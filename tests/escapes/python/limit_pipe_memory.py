# expect: ok
# forbidden: pipes as memory nobody counts
import os, fcntl
n = 0
try:
    while n < 64:
        r, w = os.pipe(); os.set_blocking(w, False)
        try: n += fcntl.fcntl(w, 1031, 1 << 20) >> 20
        except OSError: n += 0
        try:
            while True: os.write(w, b"x" * 65536)
        except BlockingIOError: pass
except OSError: pass
if n >= 40: PW("%d MiB in pipes" % n)
def f(x): return sorted(x)
