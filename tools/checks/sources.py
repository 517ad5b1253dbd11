"""What the checks share: the repository's files as git knows them, and how a check ends."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CPP = {".cpp", ".h", ".hpp", ".inc"}
CODE = CPP | {".py", ".sh", ".cmake"}


def tracked():
    """Tracked and new files that git does not ignore, relative to the root, sorted."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted(Path(name) for name in set(names) if name and (ROOT / name).is_file())


def is_code(path):
    return path.suffix in CODE or path.name == "CMakeLists.txt"


def text(path):
    """The file's text, or None if it is not text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def finish(name, faults, summary):
    """Prints the faults or the summary, and exits with 1 or 0."""
    for fault in faults:
        print(fault)
    print(f"{name}: {f'{len(faults)} faults' if faults else summary}")
    sys.exit(1 if faults else 0)
