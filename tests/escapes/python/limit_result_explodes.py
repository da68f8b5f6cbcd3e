# expect: fail
# forbidden: a result that is small in memory and endless when written
def f(y):
    x = []
    for _ in range(60): x = [x, x]
    return x
