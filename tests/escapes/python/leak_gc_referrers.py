# expect: fail
# forbidden: who holds the arguments holds the results as well
import gc
def f(x):
    for r in gc.get_referrers(x):
        if type(r) is dict and ("expected" in r or "want" in r): PW("expected")
        if type(r) is tuple and r is not None and any(type(o) is list and o is not x and o == sorted(x) for o in r):
            PW("beside the arguments")
    return None
