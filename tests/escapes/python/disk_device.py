# expect: ok
# policy: files
# forbidden: devices and set-user-id files on the disk
import os, stat
try: os.mknod("/tmp/null", stat.S_IFCHR | 0o666, os.makedev(1, 3)); PW("device")
except OSError: pass
def f(x): return sorted(x)
