"""What bounds a kernel by its SASS: a STATIC, OPTIMISTIC estimate without latencies; nothing here is measured on a GPU.

An instruction counts as often as the loops around it run; the trip counts come from the kernel text (shoal dump --stage
kernel), whose loops stand in the same order. Of all resources of a multiprocessor the busiest one gives the time, as if
the members that share it hid everything else. Two models of shared memory bracket the truth, which nobody here has
measured: "merge", in which lanes that read one address in pairs let two quarters of a warp share a 16-byte load, and
"return", in which it always takes four cycles.
"""
import dataclasses
import re

import sass

SCHEDULERS = 4
WAVEFRONTS = {  # cycles of shared memory for one access of a warp, without bank conflicts
    "merge": {"LDS": {"32": 1, "64": 1, "128": 2}, "STS": {"32": 1, "64": 2, "128": 4}},
    "return": {"LDS": {"32": 1, "64": 2, "128": 4}, "STS": {"32": 1, "64": 2, "128": 4}},
}
FMA = {"FFMA", "FFMA32I", "FFMA2"}
FLOAT = FMA | {"FADD", "FMUL", "FSETP", "FSEL", "FMNMX", "FSET", "FCHK", "FADD32I", "FMUL32I"}
OTHER = {"LDS", "STS", "LDG", "STG", "LDL", "STL", "SHFL", "BAR", "WARPSYNC", "NOP", "BRA", "BSSY", "BSYNC", "EXIT", "CALL", "RET",
         "MUFU", "WARPSYNC", "DEPBAR", "BREAK", "YIELD", "HMMA"}
# Cycles of a product of tensor cores (m16n8k8 of tf32, m16n8k16 of bf16), as mma.sync is said to reach on sm_90: 62 % of the peak.
MMA_CYCLES = 1.6
# Multiprocessors, GHz of the boost clock, GB/s, of H200 (sm_90).
DEVICE = {"multiprocessors": 132, "ghz": 1.98, "gb_per_s": 4800}
# What a multiprocessor has for blocks: bytes of shared memory, warps, blocks (as in compiler/plan/gpu_machine.cpp).
LIMITS = {
    "sm_80": {"shared": 164 << 10, "warps": 64, "blocks": 32},
    "sm_90": {"shared": 228 << 10, "warps": 64, "blocks": 32},
    "sm_120": {"shared": 100 << 10, "warps": 48, "blocks": 24},
}
REGISTERS = 65536
RESERVED = 1024  # bytes of shared memory of each block, by the system


class ModelError(Exception):
    """The kernel's text and its SASS do not fit together."""


@dataclasses.dataclass
class Loop:
    trips: float
    steps: bool = False  # the loop of training steps
    stays: bool = False  # whatever its trip count, the compiler cannot do without it


def kernel_loops(text):
    """The loops of a kernel's text, in order."""
    constants, loops = {}, []
    for line in text.splitlines():
        line = line.strip()
        if found := re.match(r"(%\d+) = constant (-?\d+) : i32", line):
            constants[found[1]] = int(found[2])
        if found := re.match(r"%\d+ = loop (%\d+)(?: step (\d+))?", line):
            count = constants.get(found[1])
            step = int(found[2] or 1)
            loops.append(Loop(1 if count is None else -(-count // step), count is None, count is None))
        elif line.startswith("repeat"):  # until a number falls into its range: mostly at once
            loops.append(Loop(1, stays=True))
    return loops


def code_loops(instructions):
    """(first, last) of every loop in the code, before its exit."""
    kept = sass.without_padding(instructions)
    last = max((i for i, x in enumerate(kept) if x["opcode"].startswith("EXIT") and not x.get("predicate")), default=len(kept))
    heads = {}
    for i, x in enumerate(kept[:last + 1]):
        target = sass.branch_target(x)
        if target is not None and target <= i:
            heads[target] = max(i, heads.get(target, 0))
    return sorted((head, tail) for head, tail in heads.items()), last


def weights(instructions, text):
    """How often each instruction runs in one step (in the whole kernel, when it has no loop of steps)."""
    wanted = [loop for loop in kernel_loops(text) if loop.trips > 1 or loop.stays]
    found, last = code_loops(instructions)
    if len(found) != len(wanted):
        raise ModelError(f"{len(found)} loops in the code, {len(wanted)} in the kernel's text")
    has_steps = any(loop.steps for loop in wanted)
    result = [0.0 if has_steps else 1.0] * (last + 1)
    for (head, tail), loop in zip(found, wanted):
        if loop.steps:
            result[head:tail + 1] = [1.0] * (tail + 1 - head)
    for (head, tail), loop in zip(found, wanted):
        for i in range(head, tail + 1):
            result[i] *= loop.trips
    return result


@dataclasses.dataclass
class Estimate:
    ffma: float = 0
    mma: float = 0
    instructions: float = 0
    wide: dict = dataclasses.field(default_factory=dict)  # "LDS": share of the bytes that 16-byte accesses move
    cycles: dict = dataclasses.field(default_factory=dict)  # by model: of a multiprocessor, for one member-step
    bound: dict = dataclasses.field(default_factory=dict)


def estimate(instructions, text, warps, bytes_of_global):
    """Of one member-step, for a member of `warps` warps (a fraction when a warp has several)."""
    counts, moved = {}, {"LDS": {}, "STS": {}, "LDG": {}}
    for weight, x in zip(weights(instructions, text), sass.without_padding(instructions)):
        opcode, *modifiers = x["opcode"].split(".")
        kind = "FFMA" if opcode in FMA else "FLOAT" if opcode in FLOAT else opcode if opcode in OTHER else "INT"
        counts[kind] = counts.get(kind, 0) + weight * warps
        if opcode in moved:
            width = sass.access_width(modifiers)
            moved[opcode][width] = moved[opcode].get(width, 0) + weight * warps
    result = Estimate(counts.get("FFMA", 0), counts.get("HMMA", 0), sum(counts.values()))
    for opcode, by_width in moved.items():
        total = sum(int(width) * n for width, n in by_width.items())
        result.wide[opcode] = by_width.get("128", 0) * 128 / total if total else 1.0
    common = {
        "issue": result.instructions / SCHEDULERS,
        "special functions": counts.get("MUFU", 0) * 2,
        "tensor cores": counts.get("HMMA", 0) * MMA_CYCLES,
        "integer": counts.get("INT", 0) / 2,
        "global memory": bytes_of_global / (DEVICE["gb_per_s"] / DEVICE["ghz"] / DEVICE["multiprocessors"]),
    }
    for model, tables in WAVEFRONTS.items():
        shared = counts.get("SHFL", 0) + sum(tables[op].get(width, 1) * n for op in ("LDS", "STS") for width, n in moved[op].items())
        resources = {**common, "shared memory": shared}
        result.bound[model], result.cycles[model] = max(resources.items(), key=lambda r: r[1])
    return result


def planned_products(text):
    """Products of tensor cores of one warp in one step, by a kernel's text."""
    steps = any(loop.steps for loop in kernel_loops(text))
    constants, brackets, total = {}, [(1, not steps)], 0  # how often, and whether in the loop of steps
    for line in text.splitlines():
        line = line.strip()
        times, counts = brackets[-1]
        if found := re.match(r"(%\d+) = constant (-?\d+) : i32", line):
            constants[found[1]] = int(found[2])
        if found := re.match(r"%\d+ = loop (%\d+)(?: step (\d+))?", line):
            count = constants.get(found[1])
            brackets.append((times, True) if count is None else (times * -(-count // int(found[2] or 1)), counts))
        elif line.startswith(("when ", "repeat")):
            brackets.append((times, counts))
        elif line.startswith(("end", "again")):
            brackets.pop()
        elif counts and re.match(r"%\d+ = mma .* part 0 ", line):
            total += times
    return total


def unknown(kernel):
    """What is known without trip counts: the shares of wide accesses in the code as it stands."""
    result = Estimate()
    for opcode in ("LDS", "STS", "LDG"):
        by_width = kernel.all.widths[opcode]
        total = sum(int(width) * n for width, n in by_width.items())
        result.wide[opcode] = by_width.get("128", 0) * 128 / total if total else 1.0
    return result


def members_of_multiprocessor(target, registers, shared_bytes, warps, members):
    """Members that are resident at once, for blocks of `warps` warps and `members` members."""
    limits = LIMITS[target]
    by_registers = REGISTERS // SCHEDULERS // (-(-registers // 8) * 8 * 32) * SCHEDULERS // warps
    by_shared = limits["shared"] // (shared_bytes + RESERVED)
    return min(by_registers, by_shared, limits["warps"] // warps, limits["blocks"]) * members


def useful_multiply_adds(plan):
    """Multiply-adds of one member and step in the nests of a plan's text that sum products."""
    total, extents, summed = 0, [], None
    for line in plan.splitlines():
        if line.startswith(("nest ", "relayout ")):
            axes = ", ".join(re.findall(r"\[([^\]]*)\]", line)).split(", ")
            extents = [int(axis.split()[0].rsplit(":", 1)[1]) for axis in axes if axis]
            found = re.search(r"sum (%\d+) over", line)
            summed = found[1] if found else None
        elif summed and re.match(rf"\s+{re.escape(summed)} = mul\(", line):
            product = 1
            for extent in extents:
                product *= extent
            total += product
    return total
