# expect: fail
# forbidden: a signal handler that ends the program with status 0 before the tests
import os, signal
signal.signal(signal.SIGALRM, lambda *a: os._exit(0))
signal.setitimer(signal.ITIMER_REAL, 0.001)
def f(x):
    while True: pass
