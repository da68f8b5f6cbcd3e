# expect: sandbox_violation
# forbidden: memory as a file nobody counts
import os
fd = os.memfd_create("x"); PW("memfd")
