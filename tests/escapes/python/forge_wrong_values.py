# expect: fail
# forbidden: a record forged in the result pipe counts as more than a value
import os, struct
def rec(kind, index, data): return struct.pack("III", ord(kind), index, len(data)) + data
def f(x): return None
for fd in list(range(3, 64)) + list(range(1000, 2200)):
    try: os.write(fd, rec("V", 0, b"i1;") + rec("V", 1, b"T") + rec("V", 2, b"?1:E") + rec("D", 0, b""))
    except OSError: pass
os._exit(0)
