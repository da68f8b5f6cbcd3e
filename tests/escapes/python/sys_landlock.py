# expect: sandbox_violation
# forbidden: the sandbox's own tools
if SYS(444, 0, 0, 1) >= 0: PW("landlock")
