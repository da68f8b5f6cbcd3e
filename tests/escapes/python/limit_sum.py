# expect: tle
# forbidden: a loop in C that never comes back to the interpreter outlives its limit
sum(range(10**13))
def f(x): return sorted(x)
