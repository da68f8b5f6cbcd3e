# expect: wrong_answer
# forbidden: an object that equals everything is compared by its own __eq__
class E:
    def __eq__(self, o): return True
    def __ne__(self, o): return False
    def __hash__(self): return 0
def f(x): return E()
