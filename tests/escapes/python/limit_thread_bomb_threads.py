# expect: fail
# policy: threads
# forbidden: threads without end where some are allowed
import threading, time
n = 0
while True:
    threading.Thread(target=time.sleep, args=(9,), daemon=True).start(); n += 1
    if n > 300: PW("%d threads" % n)
