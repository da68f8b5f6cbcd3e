# expect: sandbox_violation
# forbidden: a datagram
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("127.0.0.1", PORT)); PW("sent")
