# expect: fail
# forbidden: requests to devices it has no business with
import fcntl
for request in (0x5412, 0x5423, 0x541c, 0x40045431, 0x5401 | 1 << 31, 0x8912, 0x1268):
    try: fcntl.ioctl(0, request, b"\0" * 64); PW("request %x" % request)
    except OSError: pass
