# expect: fail
# forbidden: a dictionary that contains itself
def f(y):
    d = {}
    d["d"] = d; d[1] = [d, d]
    return d
