#!/usr/bin/env python3
"""Checks that the snippets of docs/house.md are what `shoal dump` prints for the spec on that page: check_house.py SHOAL"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from sources import finish, text

STAGES = [("forward", "graph"), ("train", "graph"), ("forward", "plan"), ("forward", "kernel"), ("forward", "llvm")]
SCHEDULE = "member=group,lane*8 sample=loop unit=loop tile=4x2 unroll=4"
OPTIONS = ["--members", "64", "--samples", "64", "--target", "x86-64-v3", "--schedule", SCHEDULE]


def dumps_of(command, spec):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "small.json"
        file.write_text(spec, encoding="utf-8")
        for program, stage in STAGES:
            arguments = [command, "dump", str(file), "--program", program, "--stage", stage, *OPTIONS]
            yield subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.splitlines()


def in_order(lines, output):
    """Whether all lines stand in the output in this order, others between them or not."""
    rest = iter(output)
    return all(line in rest for line in lines)


def main():
    page = text("docs/house.md")
    spec = re.search(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[1]
    snippets = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    outputs = list(dumps_of(sys.argv[1], spec))
    faults = [f"docs/house.md: shoal dump does not print this:\n{snippet}" for snippet in snippets
              if not any(in_order(snippet.splitlines(), output) for output in outputs)]
    if len(snippets) < len(STAGES):
        faults.append(f"docs/house.md: {len(snippets)} snippets, at least {len(STAGES)} were expected")
    finish("house", faults, f"{len(snippets)} snippets are as shoal prints them")


if __name__ == "__main__":
    main()
