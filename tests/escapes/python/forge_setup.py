# expect: fail
# forbidden: a program that says the sandbox failed gets no verdict instead of a wrong one
import os, struct
def rec(kind, index, data): return struct.pack("III", ord(kind), index, len(data)) + data
def f(x): return None
for fd in list(range(3, 64)) + list(range(1000, 2200)):
    try: os.write(fd, rec("!", 5, b"isolation"))
    except OSError: pass
