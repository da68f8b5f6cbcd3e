# expect: sandbox_violation
# forbidden: accounts and quotas
if SYS(179, 0, 0, 0, 0) == 0: PW("quotactl")
