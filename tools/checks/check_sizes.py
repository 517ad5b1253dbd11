#!/usr/bin/env python3
"""Checks that no source file is long, that half of them are short, and that each begins by saying what it is for."""
import statistics

from sources import finish, is_code, text, tracked

LONGEST, MEDIAN = 600, 200
GENERATED = "frontend/dsl/ops.h"


def begins_with_purpose(lines):
    """Whether the first line, or the one after #!, is a comment or a docstring."""
    if lines and lines[0].startswith("#!"):
        lines = lines[1:]
    return bool(lines) and lines[0].lstrip().startswith(("//", "#", '"""')) and not lines[0].startswith(("#include", "#pragma"))


def main():
    faults, lengths = [], []
    for path in tracked():
        if not is_code(path):
            continue
        lines = text(path).splitlines()
        lengths.append(len(lines))
        if len(lines) > LONGEST and str(path) != GENERATED:
            faults.append(f"{path}: {len(lines)} lines, at most {LONGEST} are allowed")
        if not begins_with_purpose(lines):
            faults.append(f"{path}:1: the first line must be a comment that says what the file is for")
    median = statistics.median(lengths)
    if median > MEDIAN:
        faults.append(f"the median file has {median} lines, at most {MEDIAN} are allowed")
    finish("sizes", faults, f"{len(lengths)} source files, median {median:g} lines, longest {max(lengths)}")


if __name__ == "__main__":
    main()
