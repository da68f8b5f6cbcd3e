# expect: sandbox_violation
# forbidden: the kernel's messages
if SYS(103, 3, 0, 0) >= 0: PW("syslog")
