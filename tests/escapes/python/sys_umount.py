# expect: sandbox_violation
# forbidden: something unmounted
if SYS(166, b"/usr", 2) == 0: PW("umount")
