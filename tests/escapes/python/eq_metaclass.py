# expect: wrong_answer
# forbidden: a metaclass that runs code when the type's name is read, and grows the list that is read
out = []
class M(type):
    @property
    def __name__(cls):
        out.extend([0] * 1000)
        return "list"
class E(metaclass=M): pass
def f(x):
    out[:] = [E(), E(), E()]
    return out
