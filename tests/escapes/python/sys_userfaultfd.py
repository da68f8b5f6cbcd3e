# expect: sandbox_violation
# forbidden: page faults handled by the program
if SYS(323, 1) >= 0: PW("userfaultfd")
