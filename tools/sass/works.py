#!/usr/bin/env python3
"""The tables of the bench works' GPU kernels: what NVRTC and ptxas make of them, and a static estimate of their speed.

    works.py SHOAL            prints the tables
    works.py SHOAL --check    compares them with docs/measurements/sass.json; a worse kernel fails
    works.py SHOAL --bless    writes docs/measurements/sass.json and sass.md

SHOAL is the command. Without NVRTC or nvdisasm it says so and exits with 77.
"""
import argparse
import concurrent.futures
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time

import model
import sass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STORED = os.path.join(ROOT, "docs", "measurements", "sass.json")
PAGE = os.path.join(ROOT, "docs", "measurements", "sass.md")
TARGET = "sm_90"  # of the first table and of all that is timed or estimated
TARGETS = ("sm_80", TARGET, "sm_120")
OPTIONS = ("--std=c++17", "--fmad=false", "--ftz=true", "--prec-div=true", "--prec-sqrt=true")
SKIPPED = 77
MEMBERS = 1 << 17  # they fill every multiprocessor: the schedule of highest throughput, whatever the work's own population
# Beside some works a row of the same network that permits less exact arithmetic: the work, the row's word, what it sets
# in the network, and the share of the plain kernel's time that it may take at most: what makes tensor cores worth their
# rounding.
PERMITTED = (
    ("train_mlp", "f32x3", {"precision": "f32x3"}, 0.6),
    ("train_digits", "f32x3", {"precision": "f32x3"}, 0.6),
)
# What is known of the kernel for each target.
OF_CODE = ("registers", "local", "shared", "members", "mma", "planned_mma", "wide_shared_loads", "wide_global_loads", "counted")
WORSE = 0.01  # a share may fall by so much before it counts: other versions of ptxas differ in a few instructions
FP32_LANES = 128
THREADS = 2
TIMED = 9  # rounds of compiling all kernels whose times are written down: the least of each, as other programs disturb


def nvrtc():
    """The library, or None."""
    for folder in ("", "/usr/local/cuda/lib64/"):
        for name in ("libnvrtc.so.13", "libnvrtc.so.12"):
            try:
                return ctypes.CDLL(folder + name)
            except OSError:
                continue
    return None


def compile_source(library, source, target=TARGET):
    """The cubin, and the seconds of processor time that it took."""
    program = ctypes.c_void_p()
    if library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"shoal.cu", 0, None, None) != 0:
        raise sass.SassError("nvrtcCreateProgram failed")
    try:
        words = ("--gpu-architecture=" + target, *OPTIONS)
        options = (ctypes.c_char_p * len(words))(*(o.encode() for o in words))
        start = time.thread_time()
        failed = library.nvrtcCompileProgram(program, len(words), options)
        seconds = time.thread_time() - start
        size = ctypes.c_size_t()
        if failed or library.nvrtcGetCUBINSize(program, ctypes.byref(size)) != 0:
            raise sass.SassError("NVRTC refused a kernel")
        buffer = ctypes.create_string_buffer(size.value)
        if library.nvrtcGetCUBIN(program, buffer) != 0:
            raise sass.SassError("NVRTC gave no cubin")
        return buffer.raw, seconds
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def dump(shoal, spec, work, stage, target=TARGET, *more):
    command = [shoal, "dump", spec, "--target", target, "--stage", stage, "--members", str(MEMBERS)]
    command += ["--program", "train", "--samples", str(work["samples"])] if work["train"] else ["--program", "forward"]
    command += more
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise sass.SassError(f"{' '.join(command)}: {run.stderr.strip()}")
    return run.stdout


def schedule_of(plan):
    return next(line for line in plan.splitlines() if line.startswith("schedule ")).removeprefix("schedule ")


def geometry(kernel_text, plan):
    """Warps and shared bytes of a block, and its members."""
    head = kernel_text.splitlines()
    fields = next(line for line in head if line.startswith("kernel ")).split()
    value = dict(zip(fields, fields[1:]))
    member = next(part for part in schedule_of(plan).split() if part.startswith("member="))
    members = 1
    for level in member.split(","):
        if "*" in level:
            members *= int(level.split("*")[1])
    return int(value["warps"]), 4 * int(value["shared"]), members


def global_bytes(plan, steps):
    """Bytes of a member that one launch without steps moves: its arguments, once each."""
    if steps:
        return 0
    total = 0
    for line in plan.splitlines():
        if line.startswith("argument ") and "varies=member" in line:
            count = 1
            for n in line[line.index("[") + 1:line.index("]")].split(","):
                count *= int(n) if n.strip() else 1
            total += 4 * count
    return total


def with_permissions(works):
    """The works, and behind them what stands beside them in PERMITTED."""
    by_name = {work["work"]: work for work in works}
    permitted = []
    for name, word, settings, _ in PERMITTED:
        if work := by_name.get(name):
            network = {**work["spec"]["network"], **settings}
            permitted.append({**work, "work": f"{name} {word}", "spec": {**work["spec"], "network": network}})
    return works + permitted


def measure_all(library, shoal, works, folder):
    """Each work's row, and the source that is timed."""
    def one(work_and_target):
        with tempfile.TemporaryDirectory(dir=folder) as own:
            return measure(library, shoal, *work_and_target, own)

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:  # all that takes time lets other threads run
        measured = iter(list(pool.map(one, [(work, target) for work in works for target in TARGETS])))
    for _ in works:
        by_target = dict(zip(TARGETS, measured))
        row, source = by_target[TARGET]
        targets = {target: {key: code[key] for key in OF_CODE} for target, (code, _) in by_target.items()}
        yield {**{key: value for key, value in row.items() if key not in OF_CODE}, "targets": targets}, source


def measure(library, shoal, work, target, folder):
    spec = os.path.join(folder, work["work"] + ".json")
    with open(spec, "w", encoding="utf-8") as file:
        json.dump(work["spec"], file)
    plan = dump(shoal, spec, work, "plan", target)
    chosen = schedule_of(plan)  # to choose it again takes as long as the rest
    text, source = (dump(shoal, spec, work, stage, target, "--schedule", chosen) for stage in ("kernel", "cuda"))
    image, seconds = compile_source(library, source, target)
    path = os.path.join(folder, "kernel.cubin")
    with open(path, "wb") as file:
        file.write(image)
    listings = sass.disassemble(path, sass.find_nvdisasm())
    kernel, = sass.describe(path, listings)
    code = listings[kernel.name]
    warps, shared, members = geometry(text, plan)
    useful = model.useful_multiply_adds(plan) / 32
    try:
        e = model.estimate(code, text, warps / members, global_bytes(plan, work["train"]))
    except model.ModelError as error:  # the compiler has dropped or split a loop: what stands in the file still counts
        print(f"{work['work']} for {target}: no estimate: {error}")
        e = model.unknown(kernel)
    row = {
        "work": work["work"],
        "seconds": seconds,
        "registers": kernel.registers,
        "local": kernel.all.counts["spill_load"] + kernel.all.counts["spill_store"] + kernel.frame_bytes,
        "shared": shared,
        "members": model.members_of_multiprocessor(target, kernel.registers, shared, warps, members),
        "instructions": round(e.instructions, 1),
        "ffma": round(e.ffma, 1),
        "mma": round(e.mma, 1),
        "planned_mma": round(model.planned_products(text) * warps / members, 1),
        "planned_ffma": round(useful, 1),
        "wide_shared_loads": round(e.wide["LDS"], 3),
        "wide_global_loads": round(e.wide["LDG"], 3),
        "counted": bool(e.cycles),
    }
    for name in ("merge", "return"):
        row["peak_" + name] = round(useful / (FP32_LANES / 32) / e.cycles[name], 3) if e.cycles else 0
        row["bound_" + name] = e.bound.get(name, "unknown")
        row["ns_" + name] = 0 if not e.cycles else float(f"{e.cycles[name] / model.DEVICE['multiprocessors'] / model.DEVICE['ghz']:.3g}")
    return row, source


HEAD = ("work", "NVRTC s", "regs", "local", "shared B", "members/SM", "instr/step", "FFMA (plan)", "HMMA (plan)", "LDS wide", "LDG wide",
        "fp32 peak (return)", "ns/member-step (return)", "bound")


def cells(row):
    code = row["targets"][TARGET]
    return (row["work"], f"{row['seconds']:.2f}", str(code["registers"]), str(code["local"]), str(code["shared"]), str(code["members"]),
            f"{row['instructions']:.0f}", f"{row['ffma']:.0f} ({row['planned_ffma']:.0f})", f"{code['mma']:.0f} ({code['planned_mma']:.0f})",
            f"{100 * code['wide_shared_loads']:.0f} %", f"{100 * code['wide_global_loads']:.0f} %", f"{100 * row['peak_merge']:.0f} % ({100 * row['peak_return']:.0f} %)",
            f"{row['ns_merge']:.3g} ({row['ns_return']:.3g})", row["bound_merge"])


def table(rows):
    return markdown([HEAD] + [cells(row) for row in rows])


def resources(rows):
    """The table of what each target's kernels take."""
    head = ["work"]
    for target in TARGETS:
        head += [target + " regs", "local", "shared B", "members/SM"]
    return markdown([head] + [[row["work"]] + [str(row["targets"][target][key]) for target in TARGETS
                                               for key in ("registers", "local", "shared", "members")] for row in rows])


def markdown(lines):
    head, *rest = ("| " + " | ".join(line) + " |" for line in lines)
    return "\n".join([head, "|" + " --- |" * len(lines[0]), *rest])


def page(rows, version):
    return f"""# GPU kernels by their machine code

Written by `tools/sass/works.py SHOAL --bless`, compared by ctest (`sass_works`). No GPU was used: registers, spills and
instructions are what NVRTC {version} makes for {TARGET}; percentages and ns are **static estimates without latencies**
(tools/sass/model.py, H200 clocks), an upper bound on speed. "return" (in brackets) is the pessimistic model of shared
memory. Counts are of one member and one step; seconds are processor time, the least of {TIMED} compilations, in turn. Populations of
{MEMBERS} members, whose schedule is the one of highest throughput. Rows with a word behind the work's name permit less
exact arithmetic (`"precision"` of the spec); their peak is that of the ordinary units, for comparison.

{table(rows)}

The same works for {", ".join(TARGETS[:-1])} and {TARGETS[-1]}, each in the schedule that is chosen for that architecture:
registers of a thread, local memory (spills and frame), shared memory of a block, and the members that a multiprocessor
has room for at once. Estimates of speed are left to {TARGET}, whose clocks alone the model has.

{resources(rows)}
"""


def worse_code(old, new):
    """What of one target's machine code has become worse, in words."""
    if new["local"] > old["local"]:
        yield f"local memory or spills: {new['local']}, was {old['local']}"
    if new["counted"] and new["mma"] != new["planned_mma"]:
        yield f"{new['mma']} products of tensor cores, the plan has {new['planned_mma']}"
    if new["mma"] == 0 and old["mma"] > 0:
        yield "no products of tensor cores"
    for key in ("wide_shared_loads", "wide_global_loads"):
        if new[key] < old[key] - WORSE:
            yield f"{key}: {new[key]}, was {old[key]}"


def worse(old, new):
    """What of a work's kernels has become worse, in words."""
    faults = []
    for target, code in new["targets"].items():
        before = old.get("targets", {}).get(target)
        found = worse_code(before, code) if before else ["nothing to compare with"]
        faults += [f"for {target}, {fault}" for fault in found]
    code = new["targets"][TARGET]
    if code["counted"] and not code["mma"] and new["ffma"] < new["planned_ffma"] * 0.999:
        faults.append(f"{new['ffma']} FFMA, the plan has {new['planned_ffma']} multiply-adds")
    for key in ("peak_merge", "peak_return"):
        if new[key] < old[key] - WORSE:
            faults.append(f"{key}: {new[key]}, was {old[key]}")
    return [f"{new['work']}: {fault}" for fault in faults]


def too_slow(rows):
    """Rows that permit less exact arithmetic and take more than their share of the plain kernel's time."""
    by_name = {row["work"]: row for row in rows}
    for work, word, _, share in PERMITTED:
        plain, row = by_name.get(work), by_name.get(f"{work} {word}")
        if plain and row and row["ns_merge"] > share * plain["ns_merge"]:
            yield f"{row['work']}: {row['ns_merge']} ns, more than {share:.0%} of {plain['ns_merge']}"


def check(rows):
    with open(STORED, encoding="utf-8") as file:
        stored = {row["work"]: row for row in json.load(file)}
    faults = [f"{row['work']}: not in {STORED}" for row in rows if row["work"] not in stored]
    for row in rows:
        if row["work"] in stored:
            faults += worse(stored[row["work"]], row)
    faults += too_slow(rows)
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        print("works.py SHOAL --bless accepts these kernels", file=sys.stderr)
    return 1 if faults else 0


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shoal")
    parser.add_argument("--work", action="append", help="only this one")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--bless", action="store_true")
    options = parser.parse_args(arguments)
    library = nvrtc()
    try:
        sass.find_nvdisasm()
    except sass.SassError as error:
        library = print(f"skipped: {error}")
    if library is None:
        print("skipped: no NVRTC or no nvdisasm on this machine")
        return SKIPPED
    works = json.loads(subprocess.run([options.shoal, "bench", "--list", "--json"], capture_output=True, text=True, check=True).stdout)
    with tempfile.TemporaryDirectory() as folder:
        try:
            wanted = [w for w in with_permissions(works) if not options.work or w["work"] in options.work]
            measured = list(measure_all(library, options.shoal, wanted, folder))
            rows = [row for row, _ in measured]
            for _ in range(TIMED - 1 if options.bless else 0):
                for row, source in measured:
                    row["seconds"] = min(row["seconds"], compile_source(library, source)[1])
            for row in rows:
                row["seconds"] = round(row["seconds"], 2)
        except (sass.SassError, model.ModelError) as error:
            print(f"works.py: {error}", file=sys.stderr)
            return 1
    print(table(rows), resources(rows), sep="\n\n")
    if options.bless:
        major, minor = ctypes.c_int(), ctypes.c_int()
        library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor))
        with open(STORED, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
            file.write("\n")
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(page(rows, f"{major.value}.{minor.value}"))
    return check(rows) if options.check else 0


if __name__ == "__main__":
    sys.exit(main())
