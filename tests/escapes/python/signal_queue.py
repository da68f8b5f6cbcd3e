# expect: sandbox_violation
# forbidden: ... by the other system calls for it
if SYS(129, 1, 9, 0) == 0: PW("rt_sigqueueinfo")
