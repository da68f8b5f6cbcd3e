# expect: sandbox_violation
# forbidden: the host's name
if SYS(170, b"x", 1) == 0: PW("sethostname")
