# expect: ok
# forbidden: the machine's name
import os, socket
if os.uname().nodename != "box" or socket.gethostname() != "box": PW(os.uname().nodename)
def f(x): return sorted(x)
