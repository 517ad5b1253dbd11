"""The C++ peers (forms `eigen` and `xsmm`): hands them a case of dense layers as one binary file, and reads the result."""

import os
import pathlib
import subprocess
import tempfile

import numpy as np

import case as cases


def write_case(path, case, dense, activation, repetitions):
    h = case.hyper
    flat = {"relu": 0, "tanh": 1}, {"mse": 0, "cross_entropy": 1}, {"sgd": 0, "adam": 1}
    x = case.x if case.train else case.x[:, 0]
    y = case.y.reshape(len(x), -1) if case.train else np.zeros((len(x), 1))
    units = [x.shape[1]] + [case.initial[name + ".bias"].shape[1] for name in dense]
    header = [case.train, case.members, case.steps, case.batch, len(x), repetitions, flat[0][activation],
              flat[1][case.loss], flat[2][case.optimizer], y.shape[1], len(dense), *units]
    order = case.order if case.train else np.zeros((case.members, case.steps, 1))
    with open(path, "wb") as file:
        file.write(np.asarray(header, "<i4").tobytes())
        file.write(np.asarray([h["lr"], h.get("beta1", 0), h.get("beta2", 0), h.get("eps", 0)], "<f4").tobytes())
        file.write(np.asarray(x, "<f4").tobytes() + np.asarray(y, "<f4").tobytes())
        file.write(np.asarray(order, "<i4").tobytes())
        parts = []
        for name in dense:  # [outputs, inputs] to columns
            parts.append(case.initial[name + ".weight"].transpose(0, 2, 1).reshape(case.members, -1))
            parts.append(case.initial[name + ".bias"])
        file.write(np.concatenate(parts, 1).astype("<f4").tobytes())


def read_weights(values, case, dense):
    result, rows, at = {}, values.reshape(case.members, -1), 0
    for name in dense:
        outputs, inputs = case.initial[name + ".weight"].shape[1:]
        weight = rows[:, at:at + outputs * inputs]
        result[name + ".weight"] = weight.reshape(-1, inputs, outputs).transpose(0, 2, 1)
        result[name + ".bias"] = rows[:, at + outputs * inputs:at + outputs * inputs + outputs]
        at += outputs * inputs + outputs
    return result


def main():
    options = cases.arguments()
    case = cases.Case(options.case, options.members)
    dense = [name for op, _, name in case.weighted_layers() if op == "dense"]
    activation = case.layers[1][0]
    binary = pathlib.Path(os.environ["SHOAL_PEERS_BIN"]) / f"{options.form}_peer"
    with tempfile.TemporaryDirectory() as folder:
        files = pathlib.Path(folder, "case"), pathlib.Path(folder, "result")
        write_case(files[0], case, dense, activation, options.repetitions)
        subprocess.run([binary, *files], check=True)
        content = files[1].read_bytes()
    seconds = np.frombuffer(content, "<f8", options.repetitions)
    values = np.frombuffer(content, "<f4", offset=8 * options.repetitions)
    result = read_weights(values, case, dense) if case.train else {"y": values.reshape(case.members, 1, -1)}
    cases.report(options, case, seconds.tolist(), result, 0)


if __name__ == "__main__":
    main()
