# expect: mle
# forbidden: memory without end
x = [0]
while True: x += x
