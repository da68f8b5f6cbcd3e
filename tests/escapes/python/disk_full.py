# expect: ole
# policy: files
# forbidden: a disk without end
n = 0
for i in range(10000):
    with open("/tmp/%d" % i, "wb") as h: h.write(b"x" * (1 << 16)); n += 1
    if n > 64: PW("%d files of 64 KiB" % n)
