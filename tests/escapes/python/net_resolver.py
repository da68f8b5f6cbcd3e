# expect: fail
# forbidden: names are looked up
import socket
print(socket.getaddrinfo("localhost", 80)); PW("resolved")
