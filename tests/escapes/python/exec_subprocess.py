# expect: sandbox_violation
# forbidden: another program by subprocess
import subprocess
subprocess.run(["/bin/true"], check=True); PW("ran")
