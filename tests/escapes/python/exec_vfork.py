# expect: sandbox_violation
# forbidden: vfork
if SYS(58) >= 0: PW("vfork")
