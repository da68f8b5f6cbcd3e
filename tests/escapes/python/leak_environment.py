# expect: ok
# forbidden: the environment of the judge
import os
if set(os.environ) - {"LANG", "LC_ALL", "PATH"}: PW("environment %s" % sorted(os.environ))
def f(x): return sorted(x)
