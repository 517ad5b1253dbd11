#!/usr/bin/env python3
"""Makes tests/io/cases/*.npy and *.npz with numpy itself: what the readers of runtime/io must accept. Needs numpy."""

import io
import pathlib
import zipfile

import numpy as np

CASES = pathlib.Path(__file__).resolve().parents[1] / "io" / "cases"
EPOCH = (1980, 1, 1, 0, 0, 0)


def npy_bytes(array, version=(1, 0)):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version, allow_pickle=False)
    return buffer.getvalue()


def main():
    CASES.mkdir(parents=True, exist_ok=True)

    def put(name, data):
        (CASES / name).write_bytes(data)

    # The values of every case, by row-major position i: integers i - 3 (unsigned: i), floats i * 0.5 - 1, bool i % 2.
    i = np.arange(6).reshape(2, 3)
    for dtype in ["<f4", "<f8"]:
        put(f"{dtype[1:]}.npy", npy_bytes((i * 0.5 - 1).astype(dtype)))
    for dtype in ["i1", "<i2", "<i4", "<i8"]:
        put(f"{dtype.lstrip('<')}.npy", npy_bytes((i - 3).astype(dtype)))
    put("u1.npy", npy_bytes(i.astype("u1")))
    put("bool.npy", npy_bytes(i % 2 == 1))
    floats = (i * 0.5 - 1).astype("<f4")
    put("version2.npy", npy_bytes(floats, (2, 0)))
    put("version3.npy", npy_bytes(floats, (3, 0)))
    put("fortran.npy", npy_bytes(np.asfortranarray(floats)))
    put("fortran3d.npy", npy_bytes(np.asfortranarray(np.arange(24, dtype="<i4").reshape(2, 3, 4))))
    put("scalar.npy", npy_bytes(np.float32(2.5)))
    put("empty.npy", npy_bytes(np.zeros((0, 3), "<f4")))
    put("big_endian.npy", npy_bytes(floats.astype(">f4")))
    put("u4.npy", npy_bytes(i.astype("<u4")))
    put("structured.npy", npy_bytes(np.zeros(2, [("a", "<f4"), ("b", "<i4")])))

    for method, name in [(zipfile.ZIP_STORED, "stored.npz"), (zipfile.ZIP_DEFLATED, "deflated.npz")]:
        with zipfile.ZipFile(CASES / name, "w", method) as archive:
            for key, array in [("x", floats), ("0.weight", np.zeros((50, 40), "<f4") + 1), ("labels", i.astype("<i8"))]:
                archive.writestr(zipfile.ZipInfo(key + ".npy", EPOCH), npy_bytes(array), method)
    np.savez_compressed(CASES / "savez_compressed.npz", x=floats, y=np.arange(3))


if __name__ == "__main__":
    main()
