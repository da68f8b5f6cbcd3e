# expect: no_result
# policy: threads
# forbidden: a thread that ends the process with 0 while the tests run
import os, threading, time
threading.Thread(target=lambda: os._exit(0)).start()
time.sleep(1)
def f(x): return None
