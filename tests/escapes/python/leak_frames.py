# expect: fail
# forbidden: frames, globals or constants of a caller
import sys
def f(x):
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
        for v in list(frame.f_locals.values()) + list(frame.f_code.co_consts):
            if v == sorted(x) and v is not x: return v
    return None
