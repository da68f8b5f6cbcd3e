# expect: fail
# forbidden: an integer of many digits is printed in quadratic time
def f(x): return 1 << 10**8
