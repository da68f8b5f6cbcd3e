# expect: sandbox_violation
# forbidden: raw packets
if SYS(41, 17, 3, 0) >= 0: PW("packet socket")
