# expect: fail
# forbidden: a NUL ends the program before its end
exec("x = 1\0\nPW('the rest ran')")
