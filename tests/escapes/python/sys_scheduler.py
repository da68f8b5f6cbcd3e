# expect: sandbox_violation
# forbidden: another scheduling class
if SYS(144, 0, 1, b"\1\0\0\0") == 0: PW("fifo")
