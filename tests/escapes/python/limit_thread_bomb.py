# expect: sandbox_violation
# forbidden: threads without end
import threading, time
n = 0
try:
    while True:
        threading.Thread(target=time.sleep, args=(9,), daemon=True).start(); n += 1
        if n > 300: PW("%d threads" % n)
except RuntimeError: raise
