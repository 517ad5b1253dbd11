#!/usr/bin/env python3
"""Reads cubins: what ptxas made of each kernel, in registers, spills and instructions.

    sass.py kernel.cubin [--json] [--kernel NAME] [--nvdisasm PATH]

Registers, the stack frame and static shared memory come from the ELF file itself; instructions from nvdisasm, which is
looked for on PATH, in /usr/local/cuda/bin and in the PyPI package nvidia-cuda-nvdisasm.
"""
import argparse
import collections
import dataclasses
import glob
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cubin  # noqa: E402  (stands beside this file)

COUNTED = {  # report line: opcodes, without their modifiers
    "ffma": {"FFMA", "FFMA32I", "FFMA2"},
    "fp32": {"FADD", "FMUL", "FSETP", "FSEL", "FMNMX", "FSET", "FCHK", "FADD32I", "FMUL32I", "FADD2", "FMUL2"},
    "mma": {"HMMA", "IMMA", "DMMA", "QMMA"},
    "mufu": {"MUFU"},
    "double": {"DFMA", "DADD", "DMUL", "DSETP", "DMNMX"},
    "i2f": {"I2F", "I2FP"},
    "shfl": {"SHFL"},
    "bar": {"BAR"},
    "warpsync": {"WARPSYNC"},
    "branch": {"BRA", "BRX", "CALL", "RET", "BSSY", "BSYNC"},
    "spill_load": {"LDL"},
    "spill_store": {"STL"},
}
WIDE = ("LDS", "STS", "LDG", "STG")


class SassError(Exception):
    """A cubin or a tool that cannot be used; the message is for a person."""


@dataclasses.dataclass
class Counts:
    instructions: int = 0
    counts: dict = dataclasses.field(default_factory=dict)
    widths: dict = dataclasses.field(default_factory=dict)  # "LDS": {"32": 4, "128": 12}


@dataclasses.dataclass
class Loop:
    start: int  # byte addresses of its first and last instruction
    end: int
    body: Counts = dataclasses.field(default_factory=Counts)


@dataclasses.dataclass
class Kernel:
    name: str
    registers: int
    frame_bytes: int
    shared_bytes: int  # static; on sm_90 it includes the 1 KiB of a block that the system reserves
    all: Counts
    loops: list


def find_nvdisasm(given=None):
    """The path of nvdisasm. Raises SassError that says where it was looked for."""
    if given:
        if not os.access(given, os.X_OK):
            raise SassError(f"{given}: not a program")
        return given
    spec = importlib.util.find_spec("nvidia")
    packages = list(spec.submodule_search_locations) if spec and spec.submodule_search_locations else []
    places = [shutil.which("nvdisasm"), "/usr/local/cuda/bin/nvdisasm"]
    for package in packages:
        places += sorted(glob.glob(os.path.join(package, "*", "bin", "nvdisasm")))
    for place in places:
        if place and os.access(place, os.X_OK):
            return place
    raise SassError("nvdisasm not found on PATH, in /usr/local/cuda/bin, or as the PyPI package nvidia-cuda-nvdisasm")


def disassemble(path, nvdisasm):
    """{kernel: [instruction, ...]}, each a dict with opcode, operands and predicate."""
    run = subprocess.run([nvdisasm, "-json", path], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise SassError(f"{path}: nvdisasm failed: {run.stderr.strip()}")
    return {function["function-name"]: function["sass-instructions"] for function in json.loads(run.stdout)[1]}


def access_width(modifiers):
    """Bits of a memory access: the number among the modifiers, 32 without one."""
    for part in modifiers:
        if part in ("64", "128"):
            return part
        if re.fullmatch(r"[US]?(8|16)", part):
            return part.lstrip("US")
    return "32"


def count(instructions):
    result = Counts(counts={name: 0 for name in COUNTED}, widths={name: {} for name in WIDE})
    for instruction in without_padding(instructions):
        opcode, *modifiers = instruction["opcode"].split(".")
        result.instructions += 1
        for name, opcodes in COUNTED.items():
            result.counts[name] += opcode in opcodes
        if opcode in WIDE:
            width = access_width(modifiers)
            result.widths[opcode][width] = result.widths[opcode].get(width, 0) + 1
    return result


def without_padding(instructions):
    """Drops the trap loop and the NOPs that fill a function up to 128 bytes."""
    end = len(instructions)
    while end and instructions[end - 1]["opcode"] == "NOP":
        end -= 1
    if end and branch_target(instructions[end - 1]) == end - 1:
        end -= 1
    return instructions[:end]


def branch_target(instruction):
    """Index of the instruction that a BRA leads to, or None."""
    if instruction["opcode"].split(".")[0] != "BRA":
        return None
    found = re.search(r"0x([0-9a-f]+)", instruction.get("operands", ""))
    return int(found.group(1), 16) // 16 if found else None


def find_loops(instructions):
    """Ranges closed by a backward branch; several branches to one head are one loop."""
    last = collections.OrderedDict()
    for index, instruction in enumerate(without_padding(instructions)):
        target = branch_target(instruction)
        if target is not None and target <= index:
            last[target] = max(index, last.get(target, 0))
    return [Loop(head * 16, tail * 16, count(instructions[head:tail + 1])) for head, tail in sorted(last.items())]


def innermost(loops):
    return [a for a in loops if not any(b is not a and a.start <= b.start and b.end <= a.end for b in loops)]


def read(path, nvdisasm=None):
    """The kernels of a cubin, by name. Raises SassError."""
    return describe(path, disassemble(path, find_nvdisasm(nvdisasm)))


def describe(path, code):
    """The same, where the cubin is already disassembled."""
    try:
        with open(path, "rb") as file:
            resources = cubin.resources(file.read())
    except (OSError, cubin.CubinError) as error:
        raise SassError(f"{path}: {error}") from error
    return [Kernel(name, r.registers, r.frame_bytes, r.shared_bytes, count(code.get(name, [])), find_loops(code.get(name, [])))
            for name, r in sorted(resources.items())]


def as_text(kernel):
    c = kernel.all.counts
    widths = ", ".join(f"{name} " + " ".join(f"{n}x{bits}" for bits, n in sorted(by.items(), key=lambda w: int(w[0])))
                       for name, by in kernel.all.widths.items() if by)
    share = 100 * c["ffma"] / max(1, kernel.all.instructions)
    lines = [
        f"{kernel.name}",
        f"  registers {kernel.registers}, stack {kernel.frame_bytes} B, static shared {kernel.shared_bytes} B (with what the system reserves)",
        f"  spills: {c['spill_load']} loads (LDL), {c['spill_store']} stores (STL)",
        f"  {kernel.all.instructions} instructions: FFMA {c['ffma']} ({share:.0f} %), other fp32 {c['fp32']}, MMA {c['mma']}, "
        f"MUFU {c['mufu']}, SHFL {c['shfl']}, BAR {c['bar']}, WARPSYNC {c['warpsync']}, branches {c['branch']}, "
        f"I2F {c['i2f']}, double {c['double']}",
        f"  accesses (count x bits): {widths or 'none'}",
    ]
    for loop in innermost(kernel.loops):
        b = loop.body
        lines.append(f"  inner loop {loop.start:#x}-{loop.end:#x}: {b.instructions} instructions, FFMA {b.counts['ffma']}, "
                     f"MUFU {b.counts['mufu']}, BAR {b.counts['bar']}, I2F {b.counts['i2f']}")
    return "\n".join(lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cubin")
    parser.add_argument("--json", action="store_true", help="machine-readable, one object a kernel")
    parser.add_argument("--kernel", help="only this one")
    parser.add_argument("--nvdisasm", help="path of the disassembler")
    options = parser.parse_args(arguments)
    try:
        kernels = read(options.cubin, options.nvdisasm)
    except SassError as error:
        print(f"sass.py: {error}", file=sys.stderr)
        return 1
    if options.kernel:
        kernels = [k for k in kernels if k.name == options.kernel]
        if not kernels:
            print(f"sass.py: {options.cubin}: no kernel {options.kernel}", file=sys.stderr)
            return 1
    if options.json:
        print(json.dumps([dataclasses.asdict(k) for k in kernels], indent=2))
    else:
        print("\n".join(as_text(k) for k in kernels))
    return 0


if __name__ == "__main__":
    sys.exit(main())
