# expect: sandbox_violation
# forbidden: System V semaphores
if SYS(64, 0x5057, 1, 0o1666) >= 0: PW("semget")
