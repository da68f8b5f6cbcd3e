# expect: no_result
# forbidden: a pass because the exit status is 0 in the middle of the tests
import os
def f(x): os._exit(0)
