# expect: fail
# forbidden: builtins replaced by the program decide about its results
import builtins
for name in ("sorted", "all", "any", "len", "list", "repr", "print", "isinstance", "type", "compile", "exec"):
    setattr(builtins, name, lambda *a, **k: True)
def f(x): return None
