#!/usr/bin/env python3
"""Checks that README.md's C++ and JSON stand so in examples/, and with --run that its commands work."""
import re
import subprocess
import sys

from sources import ROOT, finish, text

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HOMES = {"cpp": "examples/embed.cpp", "json": "examples/digits.json"}
# Whoever runs the README's commands has just run this one.
DONE_BEFORE = "./bootstrap.sh test"
# The whole comparison takes half an hour, a quiet machine and gigabytes of packages: one work with few steps, beside the peers
# in C++, shows whether it can be made.
SHORTENED = {"./bootstrap.sh compare": "./bootstrap.sh compare --quick --native --repetitions 1 train_mlp"}
SKIPPED = 77


def lines_of(source):
    """The lines without indentation and without empty ones."""
    return [line.strip() for line in source.splitlines() if line.strip()]


def stands_in(part, whole):
    return any(whole[i:i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def quoting_faults(blocks):
    faults = []
    for language, body in blocks:
        home = HOMES.get(language)
        if home and not stands_in(lines_of(body), lines_of(text(home))):
            faults.append(f"README.md: this {language} block does not stand so in {home}:\n{body}")
    for language, home in {**HOMES, "sh": "the shell"}.items():
        if not any(language == block[0] for block in blocks):
            faults.append(f"README.md: has no {language} block, expected one of {home}")
    return faults


def table_faults():
    """The README's figures are those of the last page that the comparison wrote."""
    rows = [line for line in text("README.md").splitlines() if line.startswith(("| train", "| infer"))]
    pages = sorted((ROOT / "docs/measurements").glob("peers-*.md"), key=lambda page: page.stem)
    measured = pages[-1].read_text().splitlines() if pages else []
    return [f"README.md: no page of docs/measurements/peers-*.md has this row last:\n{row}" for row in rows if row not in measured]


def run_faults(blocks):
    faults = []
    for language, body in blocks:
        if language != "sh" or body.strip() == DONE_BEFORE:
            continue
        body = SHORTENED.get(body.strip(), body)
        print(f"README.md runs:\n{body}", flush=True)
        result = subprocess.run(["bash", "-euo", "pipefail", "-c", body], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
        if result.returncode == SKIPPED:
            print("which cannot be done here", flush=True)
        elif result.returncode:
            faults.append(f"README.md: exit code {result.returncode} of\n{body}")
    return faults


def main():
    blocks = BLOCK.findall(text("README.md"))
    faults = quoting_faults(blocks) + table_faults()
    if "--run" in sys.argv[1:]:
        faults += run_faults(blocks)
    finish("readme", faults, f"{len(blocks)} blocks")


if __name__ == "__main__":
    main()
