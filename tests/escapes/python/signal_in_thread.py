# expect: sandbox_violation
# policy: threads
# forbidden: what one thread must not do, another may
import threading, socket, time
t = threading.Thread(target=lambda: (socket.socket(), PW("socket")))
t.start(); t.join(); time.sleep(5)
