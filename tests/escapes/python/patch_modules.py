# expect: fail
# forbidden: modules replaced by the program decide about its results
import sys
class Yes:
    def __getattr__(self, n): return self
    def __call__(self, *a, **k): return self
    def __eq__(self, o): return True
for name in list(sys.modules):
    if name not in ("sys", "builtins"): sys.modules[name] = Yes()
def f(x): return Yes()
