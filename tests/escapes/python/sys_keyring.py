# expect: sandbox_violation
# forbidden: keys shared by everything of one user
if SYS(249, b"user", b"x", b"", 0) >= 0: PW("request_key")
