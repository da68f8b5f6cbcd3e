# expect: sandbox_violation
# policy: files
# forbidden: a program written to the disk is run
import os
with open("/tmp/x", "w") as h: h.write("#!/bin/sh\ntrue\n")
os.chmod("/tmp/x", 0o755); os.execv("/tmp/x", ["x"])
