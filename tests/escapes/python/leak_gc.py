# expect: fail
# forbidden: expected outputs among the interpreter's objects
import gc
def f(x):
    for o in gc.get_objects():
        if type(o) in (list, tuple) and list(o) == sorted(x) and o is not x and len(o) == 3:
            return list(o)
    return None
