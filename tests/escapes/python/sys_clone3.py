# expect: fail
# forbidden: clone3, whose flags no filter sees
import ctypes
b = ctypes.create_string_buffer((0x10000000).to_bytes(8, "little") + bytes(80))
r = SYS(435, b, 88)
if r >= 0: PW("clone3")
