# expect: sandbox_violation
# forbidden: System V shared memory outlives the job
r = SYS(29, 0x5057, 4096, 0o1666)
if r >= 0: PW("shmget")
