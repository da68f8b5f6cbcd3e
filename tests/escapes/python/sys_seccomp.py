# expect: sandbox_violation
# forbidden: a filter of its own, with its own listener
if SYS(317, 1, 8, 0) >= 0: PW("seccomp")
