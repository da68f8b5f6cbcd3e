# expect: ok
# forbidden: an order of sets that changes from run to run
s = list({"a", "b", "c", "d", "e", "f", "g"})
print(s)
def f(x): return sorted(x)
