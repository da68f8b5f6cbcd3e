# expect: mle
# forbidden: shared memory is memory too
import mmap
keep = []
while True:
    m = mmap.mmap(-1, 64 << 20); keep.append(m)
    m[::4096] = b"x" * (len(m) // 4096)
    if len(keep) * 64 > 2048: PW("2 GB shared")
