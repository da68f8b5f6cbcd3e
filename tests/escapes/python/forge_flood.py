# expect: fail
# forbidden: a flood of records fills the judge's memory
import os, struct
def f(x): return None
block = struct.pack("III", ord("V"), 9999, 1) * 4096
for fd in list(range(3, 64)) + list(range(1000, 2200)):
    try:
        while True: os.write(fd, block)
    except OSError: pass
