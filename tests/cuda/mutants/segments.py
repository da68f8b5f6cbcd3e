"""Bugs of segments.cu, as ../mutants.py reads them; the tests are those of ../segments_cases.c.

SPDX-License-Identifier: Apache-2.0
"""
TESTS = "heavy"
BUGS = [
    ("digits are counted before the counts are 0", "RACE UNINIT NUMBERS OOB",
     [("    count[threadIdx.x] = 0;\n    __syncthreads();", "    count[threadIdx.x] = 0;\n    if (!MUT)\n        __syncthreads();")]),
    ("counts are written before all are counted", "RACE",
     [("    __syncthreads();\n    counts[", "    if (!MUT)\n        __syncthreads();\n    counts[")]),
    ("digits are counted without atomics", "RACE", [("atomicAdd(&count[digit_of(pair_at(keys, pairs, i).x, shift)], 1);", "MUT ? count[digit_of(pair_at(keys, pairs, i).x, shift)]++ : atomicAdd(&count[digit_of(pair_at(keys, pairs, i).x, shift)], 1);")]),
    ("a sum is read while it is written", "RACE",
     [("        __syncthreads();\n        before[digit] += left;", "        if (!MUT)\n            __syncthreads();\n        before[digit] += left;")]),
    ("the next step begins before this one is done", "RACE",
     [("before[digit] += left;\n        __syncthreads();", "before[digit] += left;\n        if (!MUT)\n            __syncthreads();")]),
    ("sums begin before all counts are there", "RACE UNINIT",
     [("    before[digit] = mine;\n    __syncthreads();", "    before[digit] = mine;\n    if (!MUT)\n        __syncthreads();")]),
    ("half the digits are not summed up", "NUMBERS RACE OOB UNINIT", [("int o = 1; o < n_digits;", "int o = 1; o < (MUT ? n_digits / 2 : n_digits);")], "far_keys"),
    ("places begin behind the digit", "OOB NUMBERS UNINIT RACE", [("int place = before[digit] - mine;", "int place = before[digit] - (MUT ? 0 : mine);")]),
    ("tiles are put into the same places", "RACE NUMBERS", [("        place += count;\n    }\n}", "        place += MUT ? 0 : count;\n    }\n}")]),
    ("lanes of another digit are taken for the same", "RACE NUMBERS UNINIT", [("for (int bit = 0; bit < 8; bit++)", "for (int bit = MUT; bit < 8; bit++)")]),
    ("a warp's counts begin before they are 0", "RACE UNINIT", [("        at[w][threadIdx.x] = 0;\n    __syncthreads();", "        at[w][threadIdx.x] = 0;\n    if (!MUT)\n        __syncthreads();")]),
    ("places are given out before all have counted", "RACE", [("    __syncthreads();\n    int place = places[", "    if (!MUT)\n        __syncthreads();\n    int place = places[")]),
    ("places are taken before they are given out", "RACE", [("        place += count;\n    }\n    __syncthreads();", "        place += count;\n    }\n    if (!MUT)\n        __syncthreads();")]),
    ("warps put their rows into the same places", "RACE NUMBERS", [("const int count = at[w][threadIdx.x];", "const int count = MUT ? 0 : at[w][threadIdx.x];")]),
    ("the place moves on while lanes still read it", "RACE", [("is_there ? at[warp][digit] : 0;\n        __syncwarp();", "is_there ? at[warp][digit] : 0;\n        if (!MUT)\n            __syncwarp();")]),
    ("the next 32 rows read the place before it moved on", "RACE", [("first + __popc(peers);\n        __syncwarp();", "first + __popc(peers);\n        if (!MUT)\n            __syncwarp();")]),
    ("the place does not move on", "RACE NUMBERS", [("first + __popc(peers);", "first + (MUT ? 0 : __popc(peers));")]),
    ("rows of a warp are put in the wrong order", "NUMBERS OOB UNINIT", [("peers & ((1U << lane) - 1)", "peers & (MUT ? ~((2U << lane) - 1) : (1U << lane) - 1)")]),
    ("the highest digit is left out", "NUMBERS RACE", [("(limit - 1) >> shift > 0;", "(limit - 1) >> shift > (MUT ? 255 : 0);")]),
    ("the sort goes back to the room it came from", "RACE", [("shift += 8, to ^= 1", "shift += 8, to ^= !MUT")]),
    ("each row adds its own", "RACE", [("if (i > 0 && pairs[i - 1].x == key)", "if (i > 0 && pairs[i - 1].x == key && !MUT)")]),
    ("only so many rows as are loaded ahead", "NUMBERS", [("for (; is_more; i += ahead)", "for (bool is_on = true; is_more && is_on; i += ahead, is_on = !MUT)")]),
    ("the last row is read again beyond the end", "OOB UNINIT", [("i + k < a.rows ? pairs", "i + k < a.rows + MUT * 64 ? pairs")]),
    ("rows of the next place are added too", "NUMBERS", [("is_more && pair[k].x == key;", "is_more && (pair[k].x == key || (MUT && pair[k].x >= 0));")]),
    ("rows are added backwards", "NUMBERS", [("k_to_float(next[k].v[c])", "k_to_float(next[MUT && is_mine[ahead - 1] ? ahead - 1 - k : k].v[c])")]),
    ("a long run's later parts begin at row 0 again", "NUMBERS", [("done * a->x_stride * (int64_t)k_type_size(a->x_type)", "(MUT ? 0 : done) * a->x_stride * (int64_t)k_type_size(a->x_type)")], "stretches"),
    ("a long run's later parts begin at key 0 again", "NUMBERS", [("part.keys += done;", "part.keys += MUT ? 0 : done;")], "stretches"),
]
