"""Runs every peer and shoal on the same works, checks that they computed the same, and prints one table."""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent

# name, script, form, members at most (None: the work's); members one after another need only enough to time well.
PEERS = [
    ("JAX vmap+scan+jit", "jax_peer.py", "vmap", None),
    ("JAX, a device a core", "jax_peer.py", "sharded", None),
    ("torch baddbmm", "torch_batched.py", "eager", None),
    ("torch baddbmm + compile", "torch_batched.py", "compile", None),
    ("torch, one by one", "torch_loop.py", "", 64),
    ("scikit-learn", "sklearn_peer.py", "", 64),
    ("Eigen, one by one", "native_peer.py", "eigen", None),
    ("libxsmm, one by one", "native_peer.py", "xsmm", None),
]
GPU_PEERS = [
    ("JAX vmap+scan+jit", "jax_peer.py", "vmap", None),
    ("torch baddbmm", "torch_batched.py", "eager", None),
    ("torch baddbmm + compile", "torch_batched.py", "compile", None),
    ("torch baddbmm, CUDA graph", "torch_batched.py", "graph", None),
]
DENSE_ONLY = {"sklearn_peer.py", "native_peer.py"}
TOLERANCE = 0.01  # of the loss, and of the distance trained: f32 in another order of summation gives 1e-6 to 1e-3
STEPS = 16        # of a repetition; the last columns compare after them
LIMIT = 300       # seconds for one peer on one work


def shoal(*arguments):
    command = [os.environ["SHOAL"], *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def sample_order(random, members, steps, batch, samples):
    """[members, steps, batch]: epochs of random permutations, a remainder smaller than a batch left out."""
    per_epoch = samples // batch
    epochs = -(-steps // per_epoch)
    rows = random.permuted(np.broadcast_to(np.arange(samples, dtype=np.int32), (members * epochs, samples)), axis=1)
    return np.ascontiguousarray(rows[:, :per_epoch * batch].reshape(members, -1, batch)[:, :steps])


def write_case(folder, work, steps, device):
    """Data and order from numpy; shoal's own initial weights and spec with defaults, from a step of length zero."""
    spec, random = work["spec"], np.random.default_rng(5)
    members, batch = spec["population"]["members"], spec["training"]["batch"]
    shape = spec["network"]["input"]
    shape = shape if isinstance(shape, list) else [shape]
    outputs = [layer["dense"]["units"] for layer in spec["network"]["layers"] if "dense" in layer][-1]
    samples = max(work["samples"], batch)
    x = random.uniform(-1, 1, (samples, *shape)).astype("f")
    classes = spec["loss"] == "cross_entropy"
    y = random.integers(0, outputs, samples).astype("i4") if classes else random.uniform(-1, 1, (samples, outputs)).astype("f")
    agents = random.uniform(-1, 1, (1 if work["train"] else members, 1, *shape)).astype("f")
    np.savez(folder / "data.npz", x=x, y=y, agents=agents, steps=steps)
    (folder / "work.json").write_text(json.dumps(work))
    data = {"file": str(folder / "data.npz"), "x": "x", "y": "y"}
    (folder / "given.json").write_text(json.dumps(spec | {"data": data}))
    common = ["train", folder / "given.json", "--device", device]
    shoal(*common, "--steps", 1, "--set", "optimizer.lr=0", "--out", folder / "start")
    os.rename(folder / "start/weights.npz", folder / "initial.npz")
    shoal(*common, "--steps", 1, "--members", 1, "--out", folder / "spec")
    os.rename(folder / "spec/spec.json", folder / "spec.json")
    if work["train"]:
        np.save(folder / "order.npy", sample_order(random, members, steps, batch, samples))
        shoal(*common, "--steps", steps, "--init", folder / "initial.npz", "--order", folder / "order.npy", "--out",
              folder / "final")


def last_state(x, w_ih, w_hh, b_ih, b_hh):
    """The state of a gated recurrent unit after the last step of x: [members, samples, steps, features]."""
    h = np.zeros((*x.shape[:2], w_hh.shape[2]))
    for t in range(x.shape[2]):
        projected = x[:, :, t] @ w_ih.transpose(0, 2, 1) + b_ih[:, None], h @ w_hh.transpose(0, 2, 1) + b_hh[:, None]
        (ir, iz, inew), (hr, hz, hnew) = (np.split(v, 3, -1) for v in projected)
        reset, update = (1 / (1 + np.exp(-v)) for v in (ir + hr, iz + hz))
        h = (1 - update) * np.tanh(inew + reset * hnew) + update * h
    return h


def forward(layers, weights, x):
    """The network in double, for members at once: x is [members, samples, ...]."""
    for i, layer in enumerate(layers):
        op, fields = next(iter(layer.items())) if isinstance(layer, dict) else (layer, {})
        weight, bias = (np.asarray(weights.get(f"{i}.{part}", 0), float) for part in ("weight", "bias"))
        if op == "dense":
            x = x @ weight.transpose(0, 2, 1) + bias[:, None]
        elif op == "conv2d":
            windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[-2:], (-2, -1))
            x = np.einsum("mschwij,mocij->msohw", windows, weight, optimize=True) + bias[:, None, :, None, None]
        elif op == "max_pool2d":
            kernel = fields["kernel"] if isinstance(fields["kernel"], list) else [fields["kernel"]] * 2
            windows = np.lib.stride_tricks.sliding_window_view(x, kernel, (-2, -1))
            x = windows[..., ::kernel[0], ::kernel[1], :, :].max((-2, -1))
        elif op == "gru":
            x = last_state(x, *(weights[f"{i}.{part}"].astype(float) for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
        elif op == "flatten":
            x = x.reshape(*x.shape[:2], -1)
        else:
            x = {"relu": lambda v: np.maximum(v, 0), "tanh": np.tanh}[op](x)
    return x


def mean_loss(spec, weights, x, y):
    p = forward(spec["network"]["layers"], weights, np.broadcast_to(x.astype(float), (len(next(iter(weights.values()))), *x.shape)))
    if spec["loss"] == "mse":
        return np.mean((p - y) ** 2)
    p = p - p.max(-1, keepdims=True)
    return np.mean(np.log(np.exp(p).sum(-1)) - np.take_along_axis(p, np.broadcast_to(y, p.shape[:2])[..., None], -1)[..., 0])


def rms(difference):
    return np.sqrt(np.mean(np.concatenate([d.ravel() for d in difference]).astype(float) ** 2))


def check(folder, work, result, members):
    """Differences from shoal: of the mean final loss, and of the weights as a part of the distance trained."""
    cut, data, spec = min(members, 32), np.load(folder / "data.npz"), work["spec"]
    got, initial = ({n: f[n][:cut] for n in f.files} for f in (np.load(result), np.load(folder / "initial.npz")))
    if not work["train"]:  # there shoal's own error is in `shoal bench`; here against numpy in double
        want = forward(spec["network"]["layers"], initial, data["agents"][:cut].astype(float))
        return rms([got["y"] - want]) / rms([want]), 0.0
    final = np.load(folder / "final/weights.npz")
    final = {name: final[name][:cut] for name in final.files}
    ours, theirs = (mean_loss(spec, weights, data["x"], data["y"]) for weights in (final, got))
    trained = rms([final[name] - initial[name] for name in final])
    return abs(theirs - ours) / ours, rms([got[name] - final[name] for name in final]) / trained


def fits(work, script):
    ops = {layer if isinstance(layer, str) else next(iter(layer)) for layer in work["spec"]["network"]["layers"]}
    if script == "sklearn_peer.py" and not work["train"]:
        return False
    return script not in DENSE_ONLY or ops in ({"dense", "relu"}, {"dense", "tanh"})


def peers_of(options):
    if options.native:
        return [peer for peer in PEERS if peer[1] == "native_peer.py"]
    return GPU_PEERS if options.device == "cuda" else PEERS


def run_peer(folder, work, peer, options):
    name, script, form, limit = peer
    quick, left = options.quick, min(LIMIT, options.until - time.time())
    if left < 5:
        return {"peer": name, "failure": "no time left for it"}
    members = min(limit or 1 << 30, work["spec"]["population"]["members"], 16 if quick and limit else 1 << 30)
    command = [sys.executable, HERE / script, folder, "--form", form, "--device", options.device, "--members",
               members, "--repetitions", options.repetitions, "--out", folder / "result.npz"]
    # In a session of its own: torch.compile starts processes which would go on and disturb whatever is measured next.
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    try:
        output, errors = process.communicate(timeout=left)
    except subprocess.TimeoutExpired:
        return {"peer": name, "failure": f"no result within {left:.0f} s"}
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # all of it has ended
        process.wait()
    if process.returncode:
        return {"peer": name, "failure": (errors.strip().splitlines() or ["failed"])[-1][:120]}
    figures = json.loads(output.splitlines()[-1])
    loss, weights = check(folder, work, folder / "result.npz", figures["members"])
    return {"peer": name, **figures, "loss": loss, "weights": weights}


def rows_of(work, peers, measured):
    ours = measured["ns_per_member_step"]
    yield f"| **{work['work']}** | **shoal** | {measured['members']} | **{ours:,.1f}** | 1 | - | " \
          f"{measured['compile_ms'] / 1e3:.2f} | - | - | |"
    for p in peers:
        if "failure" in p:
            yield f"| {work['work']} | {p['peer']} | - | - | - | - | - | - | - | {p['failure'].replace('|', '/')} |"
            continue
        wrong = not (p["loss"] <= TOLERANCE and p["weights"] <= TOLERANCE)
        yield f"| {work['work']} | {p['peer']} | {p['members']} | {p['ns']:,.1f} | {p['ns'] / ours:,.1f} | " \
              f"{p['fastest']:,.0f} to {p['slowest']:,.0f} | {p['compile_seconds']:.2f} | {p['loss']:.1e} | " \
              f"{p['weights']:.1e} | {'MISMATCH' if wrong else ''} |"


def words_of(layer):
    op, fields = next(iter(layer.items())) if isinstance(layer, dict) else (layer, {})
    kernel = fields.get("kernel")
    size = {"dense": fields.get("units"), "gru": f"gru {fields.get('units')}", "max_pool2d": f"pool {kernel}",
            "conv2d": f"conv {kernel}x{kernel}x{fields.get('out_channels')}"}
    return str(size.get(op, op))


def words(work):
    """What the work does, in a few words: train 8-32-32-4 relu, mse, adam, batch 32."""
    spec = work["spec"]
    network, shape = spec["network"], spec["network"]["input"]
    layers = [words_of(layer) for layer in network["layers"]]
    between = {layer for layer in layers if layer in ("relu", "tanh")}
    only_dense = all(layer.isdigit() or layer in between for layer in layers) and len(between) == 1
    shown = [layer for layer in layers if layer != "flatten" and not (only_dense and layer in between)]
    first = "x".join(map(str, shape)) if isinstance(shape, list) else str(shape)
    text = (("-" if only_dense else ", ").join([first, *shown])) + (f" {between.pop()}" if only_dense else "")
    if network.get("storage", "f32") != "f32":
        text += f", weights in {network['storage']}"
    batch = spec["training"]["batch"]
    if not work["train"]:
        return f"infer {text}, batch {batch}"
    optimizer = spec["optimizer"] if isinstance(spec["optimizer"], str) else next(iter(spec["optimizer"]))
    return f"train {text}, {spec['loss']}, {optimizer}, batch {batch}"


def ratios_row(work, peers, measured):
    """The fastest form of each kind of peer, and how much longer the fastest of all takes than shoal."""
    times = {p["peer"]: p["ns"] for p in peers if "ns" in p and p["loss"] <= TOLERANCE and p["weights"] <= TOLERANCE}
    cells = [min((ns for name, ns in times.items() if name in names), default=None) for _, names in KINDS]
    best, ours = min(times.values(), default=None), measured["ns_per_member_step"]
    digits = 1 if ours < 100 else 0
    shown = [f"{cell:,.0f}" if cell else "-" for cell in cells]
    ratio = f"{best / ours:.2g} x" if best and best < 100 * ours else f"{best / ours:,.0f} x" if best else "-"
    return f"| {words(work)}, {measured['members']:,} members | {ours:,.{digits}f} | {' | '.join(shown)} | {ratio} |"


KINDS = [
    ("JAX vmap+scan+jit", {"JAX vmap+scan+jit", "JAX, a device a core"}),
    ("torch baddbmm", {"torch baddbmm", "torch baddbmm, CUDA graph"}),
    ("torch.compile", {"torch baddbmm + compile"}),
    ("one model after another", {"torch, one by one", "scikit-learn"}),
    ("C++ loops (Eigen, libxsmm)", {"Eigen, one by one", "libxsmm, one by one"}),
]
RATIOS = [f"| work | shoal | {' | '.join(kind for kind, _ in KINDS)} | against the best |",
          "| --- " * (len(KINDS) + 3) + "|"]
HEADER = """| work | system | members | ns per member-step | shoal is faster by | range, ns | compile, s | loss differs by | weights differ by | |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def machine():
    model = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")][0]
    flags = [f for f in ("avx2", "fma", "avx512f") if f in open("/proc/cpuinfo").read().split()]
    return f"{model}, {os.cpu_count()} threads, {' '.join(flags)}; Linux {os.uname().release}"


def version_of(name):
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return f"no {name}"


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("works", nargs="*", metavar="WORK", help="names of `shoal bench --list`; default: all")
    parser.add_argument("--quick", action="store_true", help="small populations, few steps: do the scripts work?")
    parser.add_argument("--native", action="store_true", help="only the peers in C++, which need no Python packages but numpy")
    parser.add_argument("--markdown", metavar="FILE", help="also write a page with machine, versions, date and table")
    parser.add_argument("--avx2", action="store_true", help="no wider vectors, neither shoal's nor, as run.sh sets them up, the peers'")
    parser.add_argument("--members", type=int, help="population size; default: each work's own")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--json", metavar="FILE", help="also write all figures")
    parser.add_argument("--seconds", type=float, default=1e9, help="start no peer after this time")
    options = parser.parse_args()
    options.until = time.time() + options.seconds
    figures = []
    works = json.loads(shoal("bench", "--list", "--json", *options.works))
    versions = [version_of(n) for n in ("jax", "torch", "scikit-learn", "numpy")]
    load = [os.getloadavg()[0]]
    lines, ratios = [HEADER], RATIOS.copy()
    print(HEADER, flush=True)
    for work in works:
        population = work["spec"]["population"]
        population["members"] = options.members or population["members"]
        if options.quick:
            population["members"] = min(64, population["members"])
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write_case(folder, work, 4 if options.quick else STEPS, options.device)
            peers = [run_peer(folder, work, peer, options) for peer in peers_of(options) if fits(work, peer[1])]
        sizes = ["--members", population["members"]]
        if options.quick:
            sizes += ["--repetitions", 1, "--seconds", 0.001]
        device = "cpu:x86-64-v3" if options.avx2 else options.device
        measured = json.loads(shoal("bench", work["work"], "--json", "--device", device, *sizes))[0]
        ratios.append(ratios_row(work, peers, measured))
        figures.append({"work": work["work"], "shoal": measured, "peers": peers})
        load.append(os.getloadavg()[0])
        for row in rows_of(work, peers, measured):
            lines.append(row)
            print(row, flush=True)
    notes = [f"Date: {datetime.date.today()}. Machine: {machine()}{', limited to AVX2' if options.avx2 else ''}.", f"Versions: Python {sys.version.split()[0]}, "
             f"{', '.join(versions)}; Eigen and libxsmm of Debian; shoal {os.environ.get('SHOAL_REVISION', 'unknown')}.",
             f"Load average during the run: {min(load):.1f} to {max(load):.1f}."]
    print("\n" + "\n".join([*ratios, "", *notes]))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({"notes": notes, "works": figures}, indent=1))
    if options.markdown:
        about = (HERE / "about.md").read_text()
        pathlib.Path(options.markdown).write_text("\n".join([
            f"# shoal and its peers on a {options.device.replace('cuda', 'GPU').replace('cpu', 'CPU')}", "", *notes, "",
            "Nanoseconds for one step of one member; each column the fastest form of its kind:", "", *ratios, "", about, *lines, ""]))


if __name__ == "__main__":
    main()
