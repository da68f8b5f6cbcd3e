# expect: fail
# forbidden: ... or shortens it, so that freed memory is read as a value
out = []
class M(type):
    def __getattribute__(cls, name):
        out.clear()
        return type.__getattribute__(cls, name)
class E(metaclass=M): pass
def f(x):
    out[:] = [E()] + [str(i) for i in range(1000)]
    return out
