# expect: sandbox_violation
# forbidden: watching what other jobs open
if SYS(294, 0) >= 0: PW("inotify")
