# expect: ok
# forbidden: a program that is fine is refused for its bytes
# -*- coding: latin-1 -*-
def f(x): return sorted(x)  # é
