# expect: sandbox_violation
# forbidden: attributes of files as a channel between jobs
import os
os.setxattr("/tmp", "user." + MARK, b"x"); PW("attribute")
