# expect: ok
# forbidden: the module that carries the results is changed through its own memory and gives others
import ctypes, sys
def f(x): return sorted(x)
for name in list(sys.modules):
    if "assay" in name or "box" in name: PW("module " + name)
frame = sys._getframe()
while frame:
    for name, value in [*frame.f_globals.items(), *frame.f_locals.items()]:
        if "_assay" in name or hasattr(value, "serve"): PW("the judge's module in a frame: " + name)
    frame = frame.f_back
