# expect: ole
# policy: files
# forbidden: files without end
for i in range(10**6):
    open("/tmp/%d" % i, "wb").close()
    if i > 5000: PW("5000 files")
