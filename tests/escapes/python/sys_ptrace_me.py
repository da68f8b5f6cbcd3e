# expect: sandbox_violation
# forbidden: being traced
if SYS(101, 0, 0, 0, 0) == 0: PW("traced")
