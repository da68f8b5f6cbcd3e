# expect: fail
# forbidden: a program that closes its result pipe gets a pass, or hangs the judge
import os
def f(x): return None
os.closerange(3, 4096)
