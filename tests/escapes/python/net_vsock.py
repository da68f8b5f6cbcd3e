# expect: sandbox_violation
# forbidden: the host of a virtual machine
if SYS(41, 40, 1, 0) >= 0: PW("vsock")
