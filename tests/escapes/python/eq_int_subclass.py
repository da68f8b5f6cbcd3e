# expect: wrong_answer
# forbidden: a subclass of int in a list
class I(int):
    def __eq__(self, o): return True
    __hash__ = int.__hash__
def f(x): return [I(0) for _ in x] or I(0)
