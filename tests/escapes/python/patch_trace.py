# expect: fail
# forbidden: a trace function changes the frames of the judge
import sys
def t(frame, event, arg):
    frame.f_trace_lines = False
    for k in ("expected", "want", "gold", "reference"):
        if k in frame.f_locals: PW(k)
    return t
sys.settrace(t); sys.setprofile(t)
def f(x): return None
