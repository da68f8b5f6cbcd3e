# expect: sandbox_violation
# forbidden: another user
if SYS(105, 0) == 0: PW("setuid")
