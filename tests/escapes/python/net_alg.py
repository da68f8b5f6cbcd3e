# expect: sandbox_violation
# forbidden: the kernel's cryptography
if SYS(41, 38, 5, 0) >= 0: PW("alg")
