# expect: sandbox_violation
# forbidden: capabilities
if SYS(126, 0, 0) == 0: PW("capset")
