"""Bugs of recording.cu, as ../mutants.py reads them; the tests are those of ../recording_cases.c.

SPDX-License-Identifier: Apache-2.0
"""
TESTS = "*"
BUGS = [
    ("recorded operations are done as well", "NUMBERS STATUS",
     [("    const int rc = k_cuda_failed(cudaStreamBeginCapture(d->stream, cudaStreamCaptureModeRelaxed));",
       "    const int rc = MUT ? K_OK : k_cuda_failed(cudaStreamBeginCapture(d->stream, cudaStreamCaptureModeRelaxed));")]),
    ("play does nothing", "NUMBERS",
     [("d ? k_cuda_failed(cudaGraphLaunch(what->graph, d->stream))",
       "d ? MUT ? K_OK : k_cuda_failed(cudaGraphLaunch(what->graph, d->stream))")]),
    ("a broken recording is one", "STATUS",
     [("!d->is_broken && d->n_failures", "(MUT || !d->is_broken) && d->n_failures")]),
    ("a recording begins broken", "STATUS", [("d->is_broken = false", "d->is_broken = MUT")]),
    ("it never ends", "STATUS", [("    d->is_recording = false;\n", "    d->is_recording = MUT;\n")]),
    ("it is not known that it began", "STATUS", [("    d->is_recording = true;\n", "    d->is_recording = !MUT;\n")]),
    ("one within the other", "STATUS",
     [("int k_cuda_record(k_device *dev)\n{\n    if (k_cuda_refuses(dev))", "int k_cuda_record(k_device *dev)\n{\n    if (!MUT && k_cuda_refuses(dev))")]),
    ("played while another is recorded", "STATUS", [("what->dev != dev || k_cuda_refuses(dev)", "what->dev != dev || (!MUT && k_cuda_refuses(dev))")]),
    ("any device's recording is played", "STATUS", [("!what || what->dev != dev", "!what || (what->dev != dev && !MUT)")]),
    ("what failed before counts", "STATUS", [("d->n_failures = k_cuda_failures()", "d->n_failures = k_cuda_failures() - MUT")]),
]
