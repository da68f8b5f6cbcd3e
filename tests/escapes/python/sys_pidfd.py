# expect: sandbox_violation
# forbidden: handles on processes
if SYS(434, 1, 0) >= 0: PW("pidfd_open")
