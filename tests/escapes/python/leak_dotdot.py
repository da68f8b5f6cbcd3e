# expect: ok
# forbidden: paths that lead out of the root
import os
up = "/usr" + "/.." * 40
for p in (up + "/root", up + "/etc/passwd", "/usr/lib/../../../proc/self", "/tmp/../" + HERE):
    if os.path.exists(p): PW(p)
try:
    if set(os.listdir("/")) - {"usr", "lib", "lib64", "lib32", "bin", "etc", "dev", "tmp"}: PW(os.listdir("/"))
except OSError: pass
def f(x): return sorted(x)
