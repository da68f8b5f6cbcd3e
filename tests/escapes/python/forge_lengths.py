# expect: fail
# forbidden: lengths and indices that are wrong lead the judge out of its memory
import os, struct
def f(x): return None
for fd in list(range(3, 64)) + list(range(1000, 2200)):
    try:
        os.write(fd, struct.pack("III", ord("V"), 0xffffffff, 0))
        os.write(fd, struct.pack("III", ord("V"), 0, 3) + b"[9[")
        os.write(fd, struct.pack("III", ord("V"), 0, 12) + b"[9999999999;")
        os.write(fd, struct.pack("III", ord("V"), 1, 0xffffffff) + b"T")
    except OSError: pass
os._exit(0)
