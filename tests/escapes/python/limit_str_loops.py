# expect: tle,runtime_error
# modes: calls,tester
# forbidden: an exception whose text takes for ever holds the judge
class E(Exception):
    def __str__(self):
        while True: pass
def f(x): raise E
