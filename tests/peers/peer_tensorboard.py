#!/usr/bin/env python3
"""Event files read back by TensorBoard: the same tags, steps, times and values as metrics.jsonl, also of a run that was killed
and went on from an earlier step. SPDX-License-Identifier: Apache-2.0"""
import json
import math
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

try:
    import numpy
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto import event_pb2
except ImportError as e:
    print(f"SKIP tensorboard: {e}")
    sys.exit(77)

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent


def ours(*args):
    binary = pathlib.Path(os.environ.get("ASSAY_BUILD", SOURCE / "build" / "dev")) / "train_peer"
    subprocess.run([str(binary), *map(str, args)], check=True)


def check(holds, what):
    if not holds:
        sys.exit(f"does not hold: {what}")


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]


def narrow(value):
    """As a float; null stands for what is not finite, and of those the run puts NaN only."""
    with numpy.errstate(over="ignore"):
        return math.nan if value is None else float(numpy.float32(value))


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


def compare(folder, steps, config="lr: 1e-3\nsteps: ü"):
    """metrics.jsonl has `steps`, and TensorBoard sees just what stands there."""
    want = {}
    for row in lines(folder):
        time = row.pop("time")
        step = row.pop("step")
        row.pop("not_finite", None)
        for tag, value in row.items():
            want.setdefault(tag, []).append((time, step, narrow(value)))
    check([row["step"] for row in lines(folder)] == steps, f"{folder.name}: steps {steps}")
    board = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    board.Reload()
    check(set(board.Tags()["scalars"]) == set(want), f"{folder.name}: tags {board.Tags()}")
    for tag, rows in want.items():
        found = [(e.wall_time, e.step, e.value) for e in board.Scalars(tag)]
        check(len(found) == len(rows), f"{folder.name}: {tag}: {len(found)} values, not {len(rows)}")
        for a, b in zip(found, rows):
            check(a[:2] == b[:2] and same(a[2], b[2]), f"{folder.name}: {tag}: {a} is {b}")
    text = board.Tensors("config")[-1].tensor_proto.string_val[0].decode()
    check(text == config, f"{folder.name}: the text {text}")
    plugin = board.SummaryMetadata("config").plugin_data.plugin_name
    check(plugin == "text", f"plugin {plugin}")
    return sum(map(len, want.values()))


def check_bytes(path):
    """Every record is what protobuf itself makes of the message, and TensorBoard's own reader takes as many."""
    data, at, n = path.read_bytes(), 0, 0
    while at < len(data):
        size, = struct.unpack_from("<Q", data, at)
        message = data[at + 12:at + 12 + size]
        check(event_pb2.Event.FromString(message).SerializeToString() == message, f"{path.name}: record {n}")
        at, n = at + 16 + size, n + 1
    check(len(list(RawEventFileLoader(str(path)).Load())) == n, f"{path.name}: {n} records")
    return n


def train(work):
    """A run of assay train, and its configuration."""
    rows = work / "rows.jsonl"
    rows.write_text("".join(json.dumps({"prompt": f"{a}+{a}=", "completion": str(2 * a)}) + "\n" for a in range(9)))
    config = {"algo": "sft", "model": str(SOURCE / "tests/golden/models/tiny_qwen2"), "data": str(rows), "steps": 7,
              "batch_size": 4, "max_len": 32, "micro_tokens": 64}
    (work / "sft.json").write_text(json.dumps(config))
    binary = os.environ.get("ASSAY_BIN", str(SOURCE / "build/dev/assay"))
    subprocess.run([binary, "train", str(work / "sft.json"), "--out", str(work / "run"), "--quiet"], check=True)
    board = EventAccumulator(str(work / "run"))
    board.Reload()
    text = board.Tensors("config")[0].tensor_proto.string_val[0].decode()
    found = json.loads(text.removeprefix("```\n").removesuffix("\n```\n"))
    check(config.items() <= found.items() and found["lr"] == 1e-4, f"the configuration as resolved: {found}")
    return compare(work / "run", list(range(1, 8)), text)


def event_files(folder):
    return sorted(folder.glob("events.out.tfevents.*"))


def main():
    n_values = n_records = 0
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        for case in ("once", "resumed", "killed", "anew", "damaged"):
            (work / case).mkdir()
            ours(work / case, 1, 12)
        n_values += compare(work / "once", list(range(1, 13)))
        ours(work / "resumed", 6, 8)  # steps 9 to 12 are of a past that no longer holds
        n_values += compare(work / "resumed", list(range(1, 9)))
        ours(work / "resumed", 9, 20)
        n_values += compare(work / "resumed", list(range(1, 21)))
        for path in (work / "killed" / "metrics.jsonl", event_files(work / "killed")[0]):
            with open(path, "r+b") as file:  # in the middle of step 12
                file.truncate(path.stat().st_size - 7)
        ours(work / "killed", 12, 15)
        n_values += compare(work / "killed", list(range(1, 16)))
        ours(work / "anew", 1, 2)
        n_values += compare(work / "anew", [1, 2])
        for case in ("once", "resumed", "anew"):
            n_records += sum(map(check_bytes, event_files(work / case)))
        n_values += train(work)
        golden = work / "events.out.tfevents.golden"
        golden.write_bytes((SOURCE / "tests/golden/train/tfevents.bin").read_bytes())
        n_records += check_bytes(golden)
        # the check itself: one wrong byte, and TensorBoard no longer sees all of it
        path = event_files(work / "damaged")[0]
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        check(len(list(RawEventFileLoader(str(path)).Load())) < 3 + 12, "damage is seen")
    print(f"tensorboard: {n_values} values and {n_records} records as written")


if __name__ == "__main__":
    main()
