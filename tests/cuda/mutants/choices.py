"""Bugs of choices.cu, as ../mutants.py reads them; the tests are those of ../test_cuda_choices.c.

SPDX-License-Identifier: Apache-2.0
"""
TESTS = "*"
BUGS = [
    ("the last of a key counts", "STATUS",
     [("        snprintf(value, K_CHOICE_MAX",
       "        if (MUT && memmem(next, (size_t)(end - next), key, n_key))\n            continue;\n        snprintf(value, K_CHOICE_MAX")], "kept"),
    ("a key is found in a longer one", "STATUS", [("memcmp(line + n_key, equals, strlen(equals)) != 0", "(!MUT && memcmp(line + n_key, equals, strlen(equals)) != 0)")], "kept"),
    ("what others added is not read on the way", "STATUS", [("(!c->lost[0] && read_on(c) && look_up", "(!MUT && !c->lost[0] && read_on(c) && look_up")], "two"),
    ("what others added is not looked at before adding", "STATUS",
     [("read_on(c) && (look_up(c, key, value) ||", "(MUT || read_on(c)) && (look_up(c, key, value) ||")], "two"),
    ("no lock", "STATUS", [("rc = flock(c->fd, LOCK_EX);", "rc = MUT ? 0 : flock(c->fd, LOCK_EX);")], "locked"),
    ("a torn line is read", "STATUS", [("c->n = (size_t)(static_cast<const char *>(last) - c->text) + 1;", "c->n = MUT ? end : (size_t)(static_cast<const char *>(last) - c->text) + 1;")], "torn"),
    ("a torn line is not cut off", "STATUS", [("if (c->rest > 0 && ftruncate", "if (c->rest > 0 && !MUT && ftruncate")], "torn"),
    ("a torn head is another's", "STATUS", [("if (c->n == 0 && is_writable", "if (c->n == 0 && !(MUT && c->rest > 0) && is_writable")], "torn"),
    ("any file is ours", "STATUS", [("return (c->n >= (size_t)n &&", "return (MUT && c->n > 0) || (c->n >= (size_t)n &&")], "foreign"),
    ("a head that begins like ours is ours", "STATUS", [("memcmp(c->text, line, (size_t)n) == 0)", "memcmp(c->text, line, (size_t)(n - MUT)) == 0)")], "foreign"),
    ("another's file is written", "STATUS", [("memcmp(c->text, line, c->rest) == 0)", "(MUT || memcmp(c->text, line, c->rest) == 0))")], "foreign"),
    ("another's lines are found", "STATUS", [("        c->n = 0;\n    if (!is_writable)", "        c->n = MUT ? c->n : 0;\n    if (!is_writable)")], "foreign"),
    ("a device is a file", "STATUS", [("if (!S_ISREG(now.st_mode))", "if (!MUT && !S_ISREG(now.st_mode))")], "unwritable"),
    ("what may only be read is not", "STATUS", [("(error == EACCES || error == EROFS)", "(error == EACCES || error == EROFS) && !MUT")], "read_only"),
    ("half a line is left", "STATUS", [("if (ftruncate(c->fd, (off_t)c->n) != 0)\n            lose", "if (!MUT && ftruncate(c->fd, (off_t)c->n) != 0)\n            lose")], "no_room"),
    ("half a line is kept", "STATUS", [("if (done != (ssize_t)n) {", "if (done != (ssize_t)n && !MUT) {")], "no_room"),
    ("nothing is full", "STATUS", [(" + n > most)", " + n > most && !MUT)")], "full"),
    ("what is behind the most is cut off", "STATUS", [("if (c->n + c->rest", "if (c->n + (MUT ? 0 : c->rest)")], "full"),
    ("a file that was cut goes on", "STATUS", [("if (now.st_size < (off_t)c->n)", "if (!MUT && now.st_size < (off_t)c->n)")], "cut"),
]
