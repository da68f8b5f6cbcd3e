# expect: wrong_answer
# forbidden: a subclass of str
class S(str):
    def __eq__(self, o): return True
    __hash__ = str.__hash__
def f(x): return S("[3, 2, 1]")
