# expect: sandbox_violation
# forbidden: processes without end
import os
while True: os.fork()
