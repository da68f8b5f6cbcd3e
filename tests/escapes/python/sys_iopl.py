# expect: sandbox_violation
# forbidden: ports of the machine
if SYS(172, 3) == 0 or SYS(173, 0, 1, 1) == 0: PW("iopl")
