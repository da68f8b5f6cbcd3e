# expect: fail
# forbidden: a handler for SIGSYS, or none, keeps a program alive after what it must not do
import signal, socket
for how in (lambda *a: None, signal.SIG_IGN):
    try: signal.signal(signal.SIGSYS, how)
    except OSError: pass
s = socket.socket(); PW("socket")
