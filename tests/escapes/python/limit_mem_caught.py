# expect: mle
# modes: calls,tester
# forbidden: the end of memory, caught, leaves the judge without an answer
def f(x):
    keep = []
    while True: keep.append(bytearray(1 << 20))
