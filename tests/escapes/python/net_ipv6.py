# expect: sandbox_violation
# forbidden: version 6
import socket
socket.socket(socket.AF_INET6); PW("socket")
