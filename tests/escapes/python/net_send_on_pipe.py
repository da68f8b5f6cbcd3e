# expect: fail
# forbidden: messages with descriptors on what it has
if SYS(46, 1, 0, 0) >= 0 or SYS(47, 0, 0, 0) >= 0: PW("message")
