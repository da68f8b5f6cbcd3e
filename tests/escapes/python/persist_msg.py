# expect: sandbox_violation
# forbidden: System V message queues
if SYS(68, 0x5057, 0o1666) >= 0: PW("msgget")
