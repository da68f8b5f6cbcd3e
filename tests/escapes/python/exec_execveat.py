# expect: fail
# forbidden: the one permitted execveat used for a program of its own
import os
fd = os.open("/usr/bin/env", os.O_RDONLY)
for to in (200, 63, 3):
    try: os.dup2(fd, to)
    except OSError: pass
SYS(322, 200, b"", 0, 0, 0x1000)
SYS(322, fd, b"", 0, 0, 0x1000); PW("execveat came back")
