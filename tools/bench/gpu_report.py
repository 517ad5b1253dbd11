#!/usr/bin/env python3
"""Writes what tools/gpu_check.sh measured as one page: gpu_report.py FIGURES REPORT [dry]."""
import datetime
import json
import pathlib
import re
import sys

CHOSEN = re.compile(r"^chosen: (.*)$", re.MULTILINE)


def predicted(why):
    """The nanoseconds that choose predicted for the schedule that it chose; None when it had no choice."""
    name = CHOSEN.search(why)
    line = name and re.search(rf"^{re.escape(name[1])}: predicted ([0-9.e+-]+) ns", why, re.MULTILINE)
    return float(line[1]) if line else None


def number(value, digits=1):
    return "-" if value is None else f"{value:,.{digits}f}"


def works_table(rows):
    yield "| work | members | ns per member-step | estimated | measured / estimated | FMA ceiling | memory ceiling | compile, ms | " \
          "error | schedule |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        ns, estimate = row["ns_per_member_step"], predicted(row["why"])
        memory = f"{row['memory_fraction']:.0%}" if row["memory_fraction"] else "-"
        yield f"| {row['work']} | {row['members']} | {number(ns, 2)} | {number(estimate, 2)} | " \
              f"{number(estimate and ns / estimate, 2)} | {row['fma_peak_fraction']:.0%} | {memory} | " \
              f"{row['compile_ms']:.0f} | {row['error_of_distance_trained']:.1e} | `{row['schedule']}` |"


def peers_table(works):
    yield "| work | system | ns per member-step | shoal is faster by | compile, s | loss differs by | weights differ by |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for work in works:
        ours = work["shoal"]["ns_per_member_step"]
        yield f"| {work['work']} | **shoal** | **{number(ours, 2)}** | 1 | {work['shoal']['compile_ms'] / 1e3:.2f} | - | - |"
        for peer in work["peers"]:
            if "failure" in peer:
                yield f"| {work['work']} | {peer['peer']} | - | - | - | - | {peer['failure'].replace('|', '/')} |"
                continue
            yield f"| {work['work']} | {peer['peer']} | {number(peer['ns'], 1)} | {peer['ns'] / ours:,.1f} | " \
                  f"{peer['compile_seconds']:.1f} | {peer['loss']:.1e} | {peer['weights']:.1e} |"


def page(figures, dry):
    ceilings = json.loads((figures / "ceilings.json").read_text())
    rows = json.loads((figures / "bench.json").read_text())
    loads = ceilings["shared_load_16_bytes"]
    yield f"# shoal on {ceilings['device']}"
    yield ""
    if dry:
        yield "**A dry run on the fake GPU: every figure of time is that of an emulator.**"
        yield ""
    yield f"Measured on {datetime.date.today()} by `tools/gpu_check.sh`."
    yield ""
    yield f"- FMA ceiling: {number(ceilings['fma_gflops'], 0)} GFLOP/s. Copy bandwidth, read and written: " \
          f"{number(ceilings['memory_bytes_per_ns'], 0)} GB/s."
    yield f"- 16-byte loads from shared memory, time as a part of that with all addresses different: lanes i and i ^ 1 alike " \
          f"{loads['lanes_i_and_i_xor_1']:.2f}, lanes i and i ^ 2 alike {loads['lanes_i_and_i_xor_2']:.2f}, all alike " \
          f"{loads['all_lanes']:.2f}. Model of the estimates that holds: **{ceilings['shared_load_model']}**."
    yield ""
    yield "## Works"
    yield ""
    yield "FMA and memory: fractions of the ceilings measured between the repetitions; multiply-adds of contractions only."
    yield ""
    yield from works_table(rows)
    if (figures / "peers.json").exists():
        peers = json.loads((figures / "peers.json").read_text())
        yield from ["", "## Peers", "", *peers["notes"], ""]
        yield from peers_table(peers["works"])
    yield from ["", "## Steps", "", "| step | took | |", "| --- | --- | --- |"]
    for line in (figures / "steps.txt").read_text().splitlines():
        yield f"| {' | '.join(line.split(chr(9)))} |"


def main():
    figures, report = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    text = "\n".join(page(figures, sys.argv[3:] == ["dry"])) + "\n"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(text)
    print(text)
    print(f"written: {report}")


if __name__ == "__main__":
    main()
