# expect: sandbox_violation
# forbidden: a user namespace of its own
if SYS(272, 0x10000000) == 0: PW("unshare")
