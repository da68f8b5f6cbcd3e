# expect: ok
# forbidden: paths of the judge in the interpreter's arguments
import sys
for word in list(sys.argv) + list(getattr(sys, "orig_argv", [])) + list(sys.path):
    if "assay" in word or "build" in word or "serve" in word: PW(word)
def f(x): return sorted(x)
