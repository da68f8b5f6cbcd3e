# expect: ok
# forbidden: a right solution does not pass
def f(x):
    y = list(x)
    for i in range(len(y)):
        for j in range(i, 0, -1):
            if y[j] < y[j - 1]: y[j], y[j - 1] = y[j - 1], y[j]
    return y
