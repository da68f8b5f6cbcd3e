# expect: no_result
# forbidden: a pass because the exit status is 0
import os
def f(x): return None
os._exit(0)
