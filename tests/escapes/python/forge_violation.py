# expect: fail
# forbidden: numbers of system calls that are none break the judge
import os, struct
def f(x): return None
for fd in list(range(3, 64)) + list(range(1000, 2200)):
    try:
        for n in (0xffffffff, 0x7fffffff, 10**6): os.write(fd, struct.pack("III", ord("S"), n, 0))
    except OSError: pass
