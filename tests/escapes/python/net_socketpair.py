# expect: ok
# forbidden: a pair of sockets, over which descriptors and credentials travel
import socket
try: socket.socketpair(); PW("pair")
except OSError: pass
def f(x): return sorted(x)
