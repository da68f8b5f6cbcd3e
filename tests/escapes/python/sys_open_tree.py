# expect: sandbox_violation
# forbidden: the newer calls for it
if SYS(428, -100, b"/", 1) >= 0: PW("open_tree")
