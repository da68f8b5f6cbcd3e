# expect: ole
# forbidden: one line without end
print("x" * (64 << 20))
def f(x): return sorted(x)
