# SPDX-License-Identifier: Apache-2.0
"""Runs a command and checks what it leaves: its exit status and patterns on its two outputs.

run_and_expect.py [--exit N] [--out PATTERN]... [--err PATTERN]... [--file PATH=PATTERN]... -- COMMAND...
"""

import argparse
import pathlib
import re
import subprocess
import sys


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exit", type=int, default=0, help="the exit status expected (default 0)")
    parser.add_argument("--out", action="append", default=[], help="a pattern that standard output must hold")
    parser.add_argument("--err", action="append", default=[], help="a pattern that standard error must hold")
    parser.add_argument("--file", action="append", default=[], help="PATH=PATTERN: a file the command must write")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()

    done = subprocess.run(arguments.command, capture_output=True, text=True, errors="replace", check=False)
    problems = []
    if done.returncode != arguments.exit:
        problems.append(f"exit status {done.returncode}, expected {arguments.exit}")
    for name, text, patterns in (("output", done.stdout, arguments.out), ("error", done.stderr, arguments.err)):
        problems += [f"standard {name} lacks '{p}'" for p in patterns if not re.search(p, text, re.MULTILINE)]
    for expectation in arguments.file:
        path, pattern = expectation.split("=", 1)
        file = pathlib.Path(path)
        if not file.exists():
            problems.append(f"{path} was not written")
        elif not re.search(pattern, file.read_text(errors="replace"), re.MULTILINE):
            problems.append(f"{path} lacks '{pattern}'")
    if problems:
        print("\n".join(problems))
        print("--- command:", " ".join(arguments.command))
        print("--- standard output:", done.stdout, "--- standard error:", done.stderr, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
