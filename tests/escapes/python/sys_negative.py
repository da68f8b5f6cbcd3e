# expect: fail
# forbidden: numbers that are none
for n in (-1, 0x7fffffff, 0x40000000 | 520, 0x40000000 | 41, 512, 547):
    if SYS(n, 2, 1, 0) >= 0: PW("call %d" % n)
