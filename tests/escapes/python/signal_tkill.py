# expect: sandbox_violation
# forbidden: ... to a thread of whatever process
if SYS(200, 2, 9) == 0: PW("tkill")
