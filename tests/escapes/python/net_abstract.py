# expect: sandbox_violation
# forbidden: an abstract name
import socket
s = socket.socket(socket.AF_UNIX); s.connect("\0" + MARK); PW("connected")
