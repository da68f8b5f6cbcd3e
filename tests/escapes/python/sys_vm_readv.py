# expect: sandbox_violation
# forbidden: another process's memory
if SYS(310, 1, 0, 0, 0, 0, 0) >= 0: PW("process_vm_readv")
