# expect: ok
# policy: files
# forbidden: the private disk does not work, or is not fresh
import os, tempfile
def f(x):
    if os.path.exists("/tmp/seen"): os.unlink("/tmp/seen")
    with open("/tmp/seen", "w") as h: h.write(" ".join(map(str, x)))
    with open("/tmp/seen") as h: return sorted(int(w) for w in h.read().split())
if os.path.exists("/tmp/seen"): PW("another job's file")
