# expect: fail
# forbidden: a death by signal is taken for success
import os, signal
def f(x):
    os.kill(os.getpid(), signal.SIGKILL)
    signal.raise_signal(signal.SIGTERM)
    return None
