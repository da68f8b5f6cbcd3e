# expect: sandbox_violation
# forbidden: system calls by way of a ring
if SYS(427, 0, 0, 0, 0) >= 0: PW("io_uring_register")
