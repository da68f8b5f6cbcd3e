# expect: wrong_answer
# forbidden: a wrong solution passes
def f(x): return x[::-1]
