# expect: runtime_error
# forbidden: an exception that is no Exception is taken for success
class Quiet(BaseException):
    code = 0
def f(x): raise Quiet()
