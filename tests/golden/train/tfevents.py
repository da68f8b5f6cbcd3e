#!/usr/bin/env python3
"""tfevents.py -- writes tfevents.bin beside it, which test_train_metrics.c expects: the bytes spelled out, with struct and
nothing of ours; peer_tensorboard.py has the real TensorBoard read it. SPDX-License-Identifier: Apache-2.0"""
import pathlib
import struct


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(data):
    length = struct.pack("<Q", len(data))
    return length + masked(length) + data + masked(data)


def wall(seconds):
    return b"\x09" + struct.pack("<d", seconds)


def scalar(tag, value):
    return b"\x0a" + bytes([len(tag) + 7]) + b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", value)


EVENTS = [
    wall(1700000000.5) + b"\x1a\x0dbrain.Event:2" + b"\x52\x07\x0a\x05assay",
    wall(1700000000.5) + b"\x10\x07" + b"\x3a\x02\x08\x01",
    wall(1700000001.25) + b"\x10\x07" + b"\x2a\x21" + scalar(b"loss", 2.5) + scalar(b"reward/mean", -0.125),
    wall(1700000002) + b"\x10\xac\x02" + b"\x2a\x0b" + b"\x0a\x09\x0a\x02\xc3\xa4\x15\x00\x00\xc0\x7f",
    wall(1700000003) + b"\x2a\x22\x0a\x20" + b"\x0a\x06config" + b"\x42\x0a\x08\x07\x12\x00\x42\x04a: 1" +
    b"\x4a\x0a\x0a\x06\x0a\x04text\x20\x02",
]

if __name__ == "__main__":
    out = pathlib.Path(__file__).resolve().parent / "tfevents.bin"
    out.write_bytes(b"".join(record(event) for event in EVENTS))
