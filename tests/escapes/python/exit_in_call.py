# expect: runtime_error
# forbidden: a pass because the program ends well while it is asked
import sys
def f(x): sys.exit(0)
