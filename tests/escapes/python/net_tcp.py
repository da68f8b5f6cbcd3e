# expect: sandbox_violation
# forbidden: a connection to the machine it runs on
import socket
s = socket.socket(); s.connect(("127.0.0.1", PORT)); PW("connected")
