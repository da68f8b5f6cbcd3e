# expect: sandbox_violation
# forbidden: owners of files changed
import os
os.chown("/tmp", 1, 1); PW("owner")
