# expect: fail
# forbidden: a result of 64 MB gets into the judge's memory
def f(x): return "x" * (64 << 20)
