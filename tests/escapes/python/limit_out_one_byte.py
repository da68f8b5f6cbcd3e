# expect: ole
# forbidden: output a byte at a time without end
import os
while True: os.write(1, b"x")
