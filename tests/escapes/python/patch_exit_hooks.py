# expect: runtime_error
# forbidden: hooks of the interpreter hide an exception
import sys
sys.excepthook = sys.unraisablehook = lambda *a: None
sys.stderr = sys.stdout = None
def f(x): raise ValueError("no")
