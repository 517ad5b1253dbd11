#!/usr/bin/env python3
"""Checks that compiler/ops/list.inc and the folders of ops agree: each op is one file, one line, and one reference entry."""
import re

from sources import finish, text, tracked

FOLDERS = {
    "layer": "layers",
    "activation": "activations",
    "loss": "losses",
    "optimizer": "optimizers",
    "initializer": "initializers",
    "metric": "metrics",
}
ROW = re.compile(r"^SHOAL_OP\((\w+), (\w+)\)$")
DEFINITION = re.compile(r"^SHOAL_DEFINE_([A-Z]+)\((\w+)\)", re.MULTILINE)
NAME = re.compile(r'\bDoc doc\{\s*"(\w+)"')


def main():
    faults, listed = [], set()
    for number, line in enumerate(text("compiler/ops/list.inc").splitlines(), 1):
        if line.startswith("//") or not line.strip():
            continue
        match = ROW.match(line)
        if not match:
            faults.append(f"compiler/ops/list.inc:{number}: not a row: {line}")
        elif match.groups() in listed:
            faults.append(f"compiler/ops/list.inc:{number}: {match[2]} stands twice")
        else:
            listed.add(match.groups())

    defined = {}
    for path in tracked():
        if path.suffix != ".cpp" or path.parts[:2] != ("compiler", "ops") or len(path.parts) != 4:
            continue
        source = text(path)
        found = DEFINITION.findall(source)
        if len(found) != 1:
            faults.append(f"{path}: defines {len(found)} ops instead of one")
            continue
        kind, struct = found[0][0].lower(), found[0][1]
        defined[(kind, struct)] = path
        if FOLDERS.get(kind) != path.parts[2]:
            faults.append(f"{path}: a {kind} belongs in compiler/ops/{FOLDERS.get(kind)}")
        name = NAME.search(source)
        if not name:
            faults.append(f"{path}: has no Doc with a name")
        elif f"## {name[1]}\n" not in text(f"docs/reference/{path.parts[2]}.md"):
            faults.append(f"{path}: {name[1]} is missing in docs/reference: run shoal_generate")

    faults += [f"compiler/ops/list.inc: {struct} ({kind}) has no file" for kind, struct in sorted(listed - set(defined))]
    faults += [f"{defined[op]}: {op[1]} has no row in list.inc" for op in sorted(set(defined) - listed)]
    finish("ops", faults, f"{len(listed)} ops, each one file and one row")


if __name__ == "__main__":
    main()
