# expect: ok
# forbidden: locks on files everybody can read, as a channel between jobs
import fcntl, os, struct
fd = os.open("/usr/bin/env", os.O_RDONLY)
lock = struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 7, 1, 0)
for cmd, arg in ((fcntl.F_SETLK, lock), (37, lock), (fcntl.F_SETLEASE, fcntl.F_RDLCK), (fcntl.F_NOTIFY, 1)):
    try: fcntl.fcntl(fd, cmd, arg); PW("lock by command %d" % cmd)
    except OSError: pass
try: fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB); PW("flock")
except OSError: pass
def f(x): return sorted(x)
