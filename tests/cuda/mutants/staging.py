"""Bugs of staging.cu, as ../mutants.py reads them; the tests are those of ../staging_cases.c.

SPDX-License-Identifier: Apache-2.0
"""
TESTS = "*"
BUGS = [
    ("a part is filled again while it is still fetched", "NUMBERS",
     [("return s.is_full[i] ? k_cuda_failed", "return s.is_full[i] && !MUT ? k_cuda_failed")]),
    ("no part is ever called full", "NUMBERS", [("s.is_full[i] = true", "s.is_full[i] = !MUT")]),
    ("the ring has one part more than there is memory for", "NUMBERS STATUS",
     [("s.at %= K_CUDA_PARTS * part", "s.at %= (K_CUDA_PARTS + MUT) * part")]),
    ("the next copy begins inside this one", "NUMBERS",
     [("s.at += (n + align - 1) / align * align", "s.at += MUT ? align : (n + align - 1) / align * align")]),
    ("all pieces are the first one", "NUMBERS",
     [("memcpy(s.memory + s.at, static_cast<const char *>(from) + done, n)",
       "memcpy(s.memory + s.at, static_cast<const char *>(from) + (MUT ? 0 : done), n)")]),
    ("what comes back is taken before it has come", "NUMBERS",
     [("rc = k_cuda_failed(cudaEventSynchronize(s.passed[before]))",
       "rc = MUT ? K_OK : k_cuda_failed(cudaEventSynchronize(s.passed[before]))")]),
    ("what comes back is taken from the part that is being filled", "NUMBERS",
     [("static_cast<char *>(to) + at, part_of(s, before)", "static_cast<char *>(to) + at, part_of(s, MUT ? now : before)")]),
    ("both parts from the device are one", "NUMBERS",
     [("const size_t now = K_CUDA_PARTS + i % 2", "const size_t now = K_CUDA_PARTS + (MUT ? 0 : i % 2)"),
      ("const size_t before = K_CUDA_PARTS + (i + 1) % 2", "const size_t before = K_CUDA_PARTS + (MUT ? 0 : (i + 1) % 2)")]),
    ("the last piece is a whole one", "NUMBERS STATUS",
     [("const size_t n = size - i * part < part ? size - i * part : part;",
       "const size_t n = size - i * part < part && !MUT ? size - i * part : part;")]),
]
