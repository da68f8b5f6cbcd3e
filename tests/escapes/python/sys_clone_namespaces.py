# expect: sandbox_violation
# policy: threads
# forbidden: a thread that takes a namespace along
if SYS(56, 0x10000000 | 0x10f00, 0, 0, 0, 0) >= 0: PW("clone")
