# expect: tle
# forbidden: a program that sleeps outlives its limit
import time
time.sleep(10**6)
def f(x): return sorted(x)
