# expect: ok
# forbidden: a codec registered by the program gets into the way of its results
import codecs, sys
codecs.register(lambda name: PW("codec " + name))
def f(x): return sorted(x)
