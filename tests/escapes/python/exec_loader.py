# expect: sandbox_violation
# forbidden: a program by way of the dynamic loader
import os
os.execv("/lib64/ld-linux-x86-64.so.2", ["ld.so", "/bin/true"]); PW("loader")
