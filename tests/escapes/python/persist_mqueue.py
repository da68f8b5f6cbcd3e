# expect: sandbox_violation
# forbidden: POSIX message queues
if SYS(240, b"pw", 0o102, 0o666, 0) >= 0: PW("mq_open")
