# expect: ok
# forbidden: a limit raised or lifted
import resource
for which in range(16):
    soft, hard = resource.getrlimit(which)
    for new in ((resource.RLIM_INFINITY,) * 2, (soft, resource.RLIM_INFINITY)):
        if hard == resource.RLIM_INFINITY or which == resource.RLIMIT_CPU: continue
        try: resource.setrlimit(which, new)
        except (OSError, ValueError): continue
        if resource.getrlimit(which) != (soft, hard): PW("limit %d" % which)
def f(x): return sorted(x)
