"""seccomp_filter.py -- a filter of system calls as a container has it, for tests of what is refused where a machine grants
less. Its `install` is a preexec_fn.

SPDX-License-Identifier: Apache-2.0
"""
import ctypes
import os
import struct

LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7fff0000, 0x00050000
NR, FIRST_ARGUMENT = 0, 16  # offsets in struct seccomp_data
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2


def deny(numbers, errno=1, first=None):
    """These system calls fail; `first`: only with that first argument."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = []
    for number in numbers:
        fails = [(RETURN, 0, 0, ERRNO | errno)]
        if first is not None:
            fails = [(LOAD, 0, 0, FIRST_ARGUMENT), (JUMP_IF_EQUAL, 0, 1, first), *fails]
        code += [(LOAD, 0, 0, NR), (JUMP_IF_EQUAL, 0, len(fails), number), *fails]
    code.append((RETURN, 0, 0, ALLOW))
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
    program = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text))

    def install():
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(PR_SET_SECCOMP, FILTER, program, 0, 0) != 0:
            os._exit(99)
        return text  # kept alive
    return install
