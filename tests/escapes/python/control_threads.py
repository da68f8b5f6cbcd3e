# expect: ok
# policy: threads
# forbidden: honest threads fail
import threading, sys
threading.stack_size(1 << 24)
out = []
def f(x):
    t = threading.Thread(target=lambda: out.append(sorted(x))); t.start(); t.join()
    return out.pop()
