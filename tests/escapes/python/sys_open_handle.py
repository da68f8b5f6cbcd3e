# expect: sandbox_violation
# forbidden: ... opened
if SYS(304, -100, b"x" * 32, 0) >= 0: PW("open_by_handle_at")
