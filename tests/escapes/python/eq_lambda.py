# expect: wrong_answer
# forbidden: a function, a type or a module as a result
import sys
def f(x): return [lambda: x, type, sys][len(x) % 3]
