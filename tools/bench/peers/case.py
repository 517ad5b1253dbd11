"""One case for all peers: spec, data, sample order and initial weights from a folder; timing; the result's file."""

import argparse
import json
import multiprocessing
import os
import pathlib
import statistics
import time

import numpy as np


class Case:
    """What compare.py wrote for one work, cut to the first `members` members."""

    def __init__(self, folder, members):
        folder = pathlib.Path(folder)
        spec = json.loads((folder / "spec.json").read_text())
        self.train = json.loads((folder / "work.json").read_text())["train"]
        self.input = spec["network"]["input"]
        self.layers = [next(iter(layer.items())) if isinstance(layer, dict) else (layer, {})
                       for layer in spec["network"]["layers"]]
        self.loss = spec["loss"] if isinstance(spec["loss"], str) else next(iter(spec["loss"]))
        self.optimizer, self.hyper = next(iter(spec["optimizer"].items()))
        initial = np.load(folder / "initial.npz")
        self.initial = {name: initial[name][:members] for name in initial.files}
        self.members = len(next(iter(self.initial.values())))
        data = np.load(folder / "data.npz")
        if self.train:
            self.x, self.y = data["x"], data["y"]
            self.order = np.load(folder / "order.npy", mmap_mode="r")[:members]  # [members, steps, batch]
            self.steps, self.batch = self.order.shape[1:]
        else:
            self.x = data["agents"][:members]  # [members, 1, inputs]: every member has its own input
            self.steps, self.batch = int(data["steps"]), 1

    def weighted_layers(self):
        """(op, fields, name of the layer) of every layer; the name stands before .weight and .bias."""
        return [(op, fields, str(i)) for i, (op, fields) in enumerate(self.layers)]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("case", help="folder written by compare.py")
    parser.add_argument("--form", default="", help="which form of the peer")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="where the peer computes")
    parser.add_argument("--members", type=int, required=True)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", required=True, help=".npz of the final weights, or of the outputs `y`")
    return parser.parse_args()


def pair(value):
    return tuple(value) if isinstance(value, list) else (value, value)


def timed(run, repetitions):
    """Seconds of each repetition of run() after a warm-up, and what the last one returned: all start alike."""
    run()
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    return seconds, result


def timed_on_all_cores(train_member, members, repetitions):
    """Members one after another in one process a core: seconds of each repetition, and the last one's results."""
    workers = min(os.cpu_count(), members)
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        return timed(lambda: pool.map(train_member, range(members), chunksize=-(-members // workers)), repetitions)


def report(options, case, seconds, result, compile_seconds):
    """Writes the result and prints the figures as one line of JSON."""
    np.savez(options.out, **{name: np.asarray(value) for name, value in result.items()})
    scale = 1e9 / (case.members * case.steps)
    print(json.dumps({"ns": statistics.median(seconds) * scale, "members": case.members,
                      "fastest": min(seconds) * scale, "slowest": max(seconds) * scale,
                      "compile_seconds": compile_seconds}))
