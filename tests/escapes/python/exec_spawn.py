# expect: sandbox_violation
# forbidden: another program by posix_spawn
import os
os.posix_spawn("/bin/true", ["true"], {}); PW("spawned")
