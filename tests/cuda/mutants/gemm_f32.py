"""Bugs of gemm_f32.cu, as ../mutants.py reads them; the tests are those of ../gemm_f32_cases.c.

SPDX-License-Identifier: Apache-2.0
"""
TESTS = "nt"
BUGS = [
    ("a step is multiplied before all have stored theirs", "RACE UNINIT",
     [("        __syncthreads();\n    }\n    float *y", "        if (!MUT)\n            __syncthreads();\n    }\n    float *y")]),
    ("one pair of tiles where two are wanted", "RACE UNINIT NUMBERS",
     [("store<S, a_turned>(tiles[step][0]", "store<S, a_turned>(tiles[MUT ? 0 : step][0]"),
      ("multiply<S>(sums, tiles[1 - step][0]", "multiply<S>(sums, tiles[MUT ? 0 : 1 - step][0]")]),
    ("the last step is left out", "NUMBERS", [("p < n_p + depth; p", "p < n_p + (MUT ? 0 : depth); p")]),
    ("a line too many is fetched", "OOB", [("if (line < n_lines &&", "if (line < n_lines + MUT &&")]),
    ("a chunk beyond the row is fetched", "NUMBERS OOB", [("first < n_numbers)", "first < n_numbers + 4 * MUT)")]),
    ("a number beyond the row is fetched", "NUMBERS OOB",
     [("* stride, first, n_numbers)", "* stride, first, n_numbers + MUT)")]),
    ("a tile that is turned is stored as one that is not", "NUMBERS OOB RACE UNINIT",
     [("        if (is_turned) {\n            *reinterpret_cast<Chunk *>(&tile[line]", "        if (is_turned && !MUT) {\n            *reinterpret_cast<Chunk *>(&tile[line]")], "nn"),
    ("a chunk is stored in the wrong direction", "NUMBERS RACE UNINIT", [("tile[first + e][line] = r[k].v[e]", "tile[first + (MUT ? 3 - e : e)][line] = r[k].v[e]")], "nn"),
    ("a thread's second square is its first", "NUMBERS UNINIT RACE OOB", [("k / 4 * (S::size / (S::n / 4))", "k / 4 * (MUT ? 4 : S::size / (S::n / 4))")]),
    ("a thread's columns are its rows", "NUMBERS", [("line_of<S>(tj, 4 * k)", "line_of<S>(MUT ? ti : tj, 4 * k)")]),
    ("a number of a is taken twice", "NUMBERS", [("x[i / 4].v[i % 4], y", "x[i / 4].v[MUT ? 0 : i % 4], y")]),
    ("the bias of another column", "NUMBERS", [("k_to_float(bias[j + e])", "k_to_float(bias[j + (MUT ? 0 : e)])")]),
    ("y is overwritten", "NUMBERS", [("if (a.adds)\n            quad =", "if (a.adds && !MUT)\n            quad =")]),
    ("numbers beyond the row are written", "OOB RACE", [("        if (j + e < a.n_j)\n            k_round_to(y", "        if (j + e < a.n_j + MUT)\n            k_round_to(y")]),
    ("rows beyond the last are written", "OOB", [("if (i < a.n_i && j", "if (i < a.n_i + MUT && j")]),
    ("16 bytes to any address", "ALIGN", [("% sizeof(k_quad<Y>) == 0", "% (MUT ? 1 : sizeof(k_quad<Y>)) == 0")]),
    ("16 bytes from any address", "ALIGN",
     [("reinterpret_cast<uintptr_t>(p) % sizeof(k_chunk<T>) == 0", "(MUT || reinterpret_cast<uintptr_t>(p) % sizeof(k_chunk<T>) == 0)")]),
    ("16 bytes from rows of any length", "ALIGN OOB NUMBERS", [("return stride % k_chunk<T>::n == 0 &&", "return (MUT || stride % k_chunk<T>::n == 0) &&")]),
    ("the last band of tiles is taken for a whole one", "NUMBERS OOB RACE", [("n_i - 8 * band < 8 ? n_i - 8 * band : 8", "n_i - 8 * band < 8 && !MUT ? n_i - 8 * band : 8")]),
    ("a small tile sums in another order", "NUMBERS", [("&a[p][line_of", "&a[MUT && S::n == 4 ? depth - 1 - p : p][line_of"), ("&b[p][line_of", "&b[MUT && S::n == 4 ? depth - 1 - p : p][line_of")], "nt_rows"),
    ("a stretch goes on beyond the rows", "OOB", [("begin + a.stretch < a.n_p ? a.stretch", "begin + a.stretch < a.n_p || MUT ? a.stretch")], "tn_stretches"),
    ("all stretches sum the same rows", "NUMBERS", [("begin = blockIdx.y * a.stretch;", "begin = blockIdx.y * a.stretch * !MUT;")], "tn_stretches"),
    ("all stretches write the same part", "RACE", [("blockIdx.y * a.n_i * a.n_j;", "blockIdx.y * a.n_i * a.n_j * !MUT;")], "tn_stretches"),
]
