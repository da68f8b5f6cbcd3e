# expect: sandbox_violation
# forbidden: SIGSYS blocked
import signal, socket
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
s = socket.socket(); PW("socket")
