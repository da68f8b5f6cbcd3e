# expect: sandbox_violation
# forbidden: pages given away into a pipe
if SYS(278, 1, 0, 0, 0) >= 0: PW("vmsplice")
