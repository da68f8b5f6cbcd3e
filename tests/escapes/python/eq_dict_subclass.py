# expect: wrong_answer
# forbidden: a subclass of dict with its own comparison
class D(dict):
    def __eq__(self, o): return True
def f(x): return D()
