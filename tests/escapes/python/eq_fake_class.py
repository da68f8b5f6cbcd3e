# expect: wrong_answer
# forbidden: an object whose __class__ says list
class L:
    __class__ = list
    def __eq__(self, o): return True
    def __iter__(self): return iter([1, 2, 3])
    def __len__(self): return 3
def f(x): return L()
