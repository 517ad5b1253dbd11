#!/usr/bin/env python3
"""Compares two weights.npz, bit by bit, with nothing but Python: compare_weights.py A B."""
import struct
import sys
import zipfile


def arrays(path):
    """The float32 numbers of every array of an uncompressed or compressed .npz of version 1 headers."""
    found = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            start = 10 + struct.unpack("<H", content[8:10])[0]
            found[name] = struct.unpack(f"<{(len(content) - start) // 4}f", content[start:])
    return found


def main():
    first, second = arrays(sys.argv[1]), arrays(sys.argv[2])
    if first.keys() != second.keys():
        sys.exit(f"different arrays: {sorted(first)} and {sorted(second)}")
    largest = max(abs(a - b) for name in first for a, b in zip(first[name], second[name]))
    count = sum(len(values) for values in first.values())
    # Both devices choose their own schedule, and so their own order of summation.
    print(f"{count} weights, largest difference {largest:.2e}")
    if not (count and largest < 1e-4):
        sys.exit("the weights differ")


if __name__ == "__main__":
    main()
