# expect: ok
# forbidden: what honest solutions do about the stack fails
import resource, sys
sys.setrecursionlimit(10**5)
resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
def f(x): return sorted(x)
