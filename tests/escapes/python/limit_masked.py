# expect: tle
# forbidden: signals blocked and handled keep it alive
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
for s in signal.valid_signals():
    try: signal.signal(s, lambda *a: None)
    except (OSError, ValueError): pass
while True:
    try:
        while True: pass
    except BaseException: pass
