# expect: tle
# forbidden: a regular expression that never ends
import re
def f(x): return re.fullmatch(r"(x+x+)+y", "x" * 60)
f([])
