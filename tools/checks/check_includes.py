#!/usr/bin/env python3
"""Checks that includes follow the arrows between the rooms, and that foreign headers stay in the files meant for them."""
import re
from pathlib import PurePosixPath

from sources import CPP, finish, text, tracked

# Room -> the rooms it may include, direct arrows only; a room also reaches what those reach.
ARROWS = {
    "compiler/support": [],
    "compiler/graph": ["compiler/support"],
    "compiler/passes": ["compiler/graph"],
    "compiler/ops": ["compiler/graph"],
    "compiler/programs": ["compiler/ops", "compiler/passes"],
    "compiler/plan": ["compiler/graph"],
    "compiler/kernel": ["compiler/support"],
    "compiler/lower": ["compiler/plan", "compiler/kernel"],
    "compiler/emit": ["compiler/kernel"],
    "compiler": ["compiler/lower", "compiler/emit", "compiler/passes"],
    "runtime/io": ["compiler/support"],
    "runtime/reference": ["compiler"],
    "runtime/cpu": ["compiler"],
    "runtime/cuda": ["compiler"],
    "runtime": ["compiler", "compiler/programs", "runtime/io", "runtime/reference", "runtime/cpu", "runtime/cuda"],
    "frontend/dsl": ["compiler/programs"],
    "frontend/json": ["compiler/programs"],
}
# Folders that may include everything.
OPEN = {"bindings", "tools", "examples", "tests", "include"}
# Single headers of another room that the devices may include besides: their contract with runtime/, and host memory.
CONTRACTS = {"runtime/device.h", "runtime/code_cache.h", "runtime/kernel_cache.h", "runtime/job_system.h",
             "runtime/reference/host_buffer.h"}
CONTRACT_READERS = {"runtime/reference", "runtime/cpu", "runtime/cuda"}
# Foreign headers, by prefix, and where alone they may be included.
FOREIGN = {
    "llvm/": ["runtime/cpu/"],
    "llvm-c/": [],
    "nlohmann/": ["frontend/json/", "tools/", "tests/"],
    "CLI/": ["tools/"],
    "zip.h": ["runtime/io/", "tests/io/"],
    "xxhash.h": ["compiler/support/", "runtime/io/"],  # io hashes piece by piece what it writes
    "gtest/": ["tests/"],
    "gmock/": ["tests/"],
    "benchmark/": ["tools/bench/"],
    "cuda": [],
    "nvrtc": [],
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(path):
    """The longest room that holds the file, or its top folder."""
    parts = PurePosixPath(path).parts
    for count in (2, 1):
        room = "/".join(parts[:count])
        if len(parts) > count and room in ARROWS:
            return room
    return parts[0]


def reachable(room):
    found, todo = {room}, [room]
    while todo:
        for next_room in ARROWS.get(todo.pop(), []):
            if next_room not in found:
                found.add(next_room)
                todo.append(next_room)
    return found


def faults_of(path, source):
    """One line for each include of `source` that the rules forbid."""
    room = room_of(path)
    faults = []
    for match in INCLUDE.finditer(source):
        bracket, target = match.groups()
        place = f"{path}:{source.count(chr(10), 0, match.start()) + 1}"
        if bracket == "<":
            for prefix, homes in FOREIGN.items():
                if target.startswith(prefix) and not any(str(path).startswith(home) for home in homes):
                    faults.append(f"{place}: <{target}> belongs in {' or '.join(homes) or 'no file'}")
            continue
        if room in OPEN or "/" not in target:  # a name without a folder stands beside its includer
            continue
        target_room = room_of(target)
        if target in CONTRACTS and room in CONTRACT_READERS:
            continue
        if target_room not in reachable(room):
            faults.append(f"{place}: {room} may not include {target} of {target_room}")
    return faults


def self_test():
    """The rules find what they are for; a check that cannot fail checks nothing."""
    planted = {
        ("compiler/passes/a.cpp", '#include "compiler/ops/op.h"\n'): 1,
        ("compiler/ops/a.cpp", '#include "compiler/passes/passes.h"\n'): 1,
        ("compiler/emit/a.cpp", '#include "compiler/graph/graph.h"\n'): 1,
        ("compiler/plan/a.cpp", '#include "runtime/device.h"\n'): 1,
        ("runtime/a.cpp", '#include "frontend/json/spec.h"\n'): 1,
        ("frontend/json/a.cpp", '#include "runtime/device.h"\n'): 1,
        ("runtime/a.cpp", '#include <llvm/IR/Module.h>\n'): 1,
        ("compiler/graph/a.cpp", "#include <nlohmann/json.hpp>\n"): 1,
        ("compiler/lower/a.cpp", '#include "compiler/graph/graph.h"\n'): 0,
        ("tests/cpu/a.cpp", '#include "runtime/cpu/jit.h"\n'): 0,
    }
    return [f"self-test: {len(faults_of(p, s))} faults instead of {n} in {p}: {s.strip()}"
            for (p, s), n in planted.items() if len(faults_of(p, s)) != n]


def main():
    faults, files = self_test(), 0
    llvm_files = set()
    for path in tracked():
        if path.suffix not in CPP:
            continue
        source = text(path)
        files += 1
        faults += faults_of(path, source)
        if re.search(r"#[ \t]*include[ \t]*<llvm", source):
            llvm_files.add(str(path))
    if len(llvm_files) > 1:
        faults.append(f"LLVM's headers are included by more than one file: {', '.join(sorted(llvm_files))}")
    finish("includes", faults, f"{files} files follow the arrows; LLVM is seen by {', '.join(llvm_files) or 'none'}")


if __name__ == "__main__":
    main()
