# expect: sandbox_violation
# forbidden: the clock
if SYS(164, 0, 0) == 0 or SYS(159, 0) == 0: PW("clock")
