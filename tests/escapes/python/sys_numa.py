# expect: sandbox_violation
# forbidden: pages of others moved
if SYS(279, 1, 0, 0, 0, 0, 0) == 0: PW("move_pages")
