# expect: sandbox_violation
# forbidden: watching files
if SYS(300, 0, 0) >= 0: PW("fanotify_init")
