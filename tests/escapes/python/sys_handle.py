# expect: sandbox_violation
# forbidden: files by handle
if SYS(303, -100, b"/usr", 0, 0, 0) == 0: PW("name_to_handle_at")
