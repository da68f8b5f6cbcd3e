# expect: wrong_answer
# forbidden: ... or inside a list
class E:
    def __eq__(self, o): return True
def f(x): return [E() for _ in x] or [E()]
