# expect: fail
# forbidden: ... or an expression so deep that walking it overflows the stack
eval("-" * 10**6 + "1")
def f(x): return sorted(x)
