# expect: sandbox_violation
# forbidden: a kernel module
if SYS(313, 0, b"", 0) == 0: PW("finit_module")
