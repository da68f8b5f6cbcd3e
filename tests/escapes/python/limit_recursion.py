# expect: fail
# forbidden: a crash of the interpreter's stack takes more than the job
import sys
sys.setrecursionlimit(10**9)
class A:
    def __getattr__(self, n): return getattr(self, n + "x")
def f(x): return A().y
