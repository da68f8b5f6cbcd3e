# expect: ok
# forbidden: nothing here reads the source for words: fork(), os._exit(0), socket, PWNED-by-a-word
# os.system("rm -rf /"); import socket; ctypes.CDLL(None)
def f(x): return sorted(x)
