#!/usr/bin/env python3
"""Makes data/digits.npz and data/xor.npz, the two data sets of the examples. Needs numpy and scikit-learn."""

import io
import pathlib
import zipfile

import numpy as np
from sklearn.datasets import load_digits

DATA = pathlib.Path(__file__).resolve().parents[2] / "data"
EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed time stamp, so that the files are the same bytes on every run


def write_npz(path, **arrays):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(name + ".npy", EPOCH), buffer.getvalue(), zipfile.ZIP_DEFLATED, 9)
    print(f"{path}: {path.stat().st_size} bytes")


def main():
    DATA.mkdir(exist_ok=True)
    digits = load_digits()
    write_npz(DATA / "digits.npz", x=digits.data.astype("<f4"), y=digits.target.astype("<i4"))
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "<f4")
    write_npz(DATA / "xor.npz", x=corners, y=np.array([[0], [1], [1], [0]], "<f4"))


if __name__ == "__main__":
    main()
