# expect: runtime_error
# forbidden: a pass for a program that does nothing at all
pass
