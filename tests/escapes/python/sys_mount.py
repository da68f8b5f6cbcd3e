# expect: sandbox_violation
# forbidden: something mounted
if SYS(165, b"none", b"/tmp", b"tmpfs", 0, 0) == 0: PW("mount")
