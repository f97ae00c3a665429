# SPDX-License-Identifier: Apache-2.0
"""Runs `doppel` on a terminal of its own and checks what a reader sees while kernels are compiled, and afterwards.

terminal.py DOPPEL PROGRAM

PROGRAM writes 'first line', 'kernels: done' and 'last line', and launches two kernels in the middle of the second.
"""

import fcntl
import os
import pty
import re
import struct
import sys
import tempfile
import termios

ROWS = 40
COLUMNS = 100
LINES = ["first line", "kernels: done", "last line"]
SHOWN = re.compile(r"doppel: compiling kernel (\d+) of (\d+); cached afterwards")


class Screen:
    """As much of a VT100 as is needed: rows that scroll between two margins, and a cursor."""

    def __init__(self, rows: int) -> None:
        self.text = [""] * rows
        self.row = self.column = self.first = 0
        self.last = rows - 1
        self.saved = (0, 0)
        self.seen: set[str] = set()

    def down(self) -> None:
        if self.row == self.last:
            del self.text[self.first]
            self.text.insert(self.last, "")
        elif self.row < len(self.text) - 1:
            self.row += 1

    def put(self, character: str) -> None:
        line = self.text[self.row].ljust(self.column)
        self.text[self.row] = line[: self.column] + character + line[self.column + 1 :]
        self.column += 1

    def control(self, kind: str, parameters: list[int]) -> None:
        first = parameters[0] if parameters else 0
        if kind == "A":
            self.row = max(0, self.row - max(1, first))
        elif kind == "B":
            self.row = min(len(self.text) - 1, self.row + max(1, first))
        elif kind == "H":
            self.row, self.column = max(1, first) - 1, (parameters[1] - 1 if len(parameters) > 1 else 0)
        elif kind == "K":
            self.text[self.row] = self.text[self.row][: self.column]
        elif kind == "r":
            self.first, self.last = (first - 1, parameters[1] - 1) if len(parameters) > 1 else (0, len(self.text) - 1)
            self.row = self.column = 0
        else:
            raise ValueError(f"the control sequence {kind} is not expected")

    def feed(self, text: str) -> None:
        for match in re.finditer(r"\033\[([\d;]*)([A-Za-z])|\033([78D])|(.)", text, re.DOTALL):
            parameters, kind, escape, character = match.groups()
            if kind:
                self.control(kind, [int(p) for p in parameters.split(";") if p])
            elif escape == "7":
                self.saved = (self.row, self.column)
            elif escape == "8":
                self.row, self.column = self.saved
            elif escape == "D" or character == "\n":
                self.down()
            elif character == "\r":
                self.column = 0
            else:
                self.put(character)
                self.seen.add(self.text[self.row])

    def rows(self) -> list[str]:
        return [line.rstrip() for line in self.text]


def run(command: list[str], rows: int, variables: dict[str, str]) -> str:
    """All that comes out of the terminal."""
    process, terminal = pty.fork()
    if process == 0:
        size = struct.pack("HHHH", rows, COLUMNS if rows else 0, 0, 0)
        fcntl.ioctl(sys.stderr.fileno(), termios.TIOCSWINSZ, size)
        os.execve(command[0], command, {k: v for k, v in os.environ.items() if k != "COLUMNS"} | variables)
    pieces = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # EIO: the last one that had it open is gone
            break
        if not piece:
            break
        pieces.append(piece)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    os.close(terminal)
    text = b"".join(pieces).decode(errors="replace")
    if status != 0:
        raise SystemExit(f"{command}: status {status}\n{text}")
    return text


def main() -> int:
    doppel, program = sys.argv[1:]
    failures = []

    def expect(holds: bool, what: str, text: str) -> None:
        if not holds:
            failures.append(f"{what}:\n{text!r}")

    with tempfile.TemporaryDirectory() as cache:
        always = {"TERM": "xterm", "DOPPEL_CACHE": "off", "DOPPEL_PROGRESS_AFTER_S": "0"}
        for what, command, rows, variables in (
            ("run", ["run"], ROWS, {}),
            ("run at the bottom of a small window", ["run"], 4, {}),
            ("run where the rows are not known", ["run"], 0, {}),
            ("run without colours", ["run"], ROWS, {"NO_COLOR": "1"}),
            ("compare", ["compare"], 60, {}),
        ):
            text = run([doppel, *command, "--", program], rows, always | variables)
            shown = SHOWN.findall(text)
            expect(("2", "2") in shown, f"{what} does not say what is compiled", text)
            expect(re.search(r"\033\[[\d;]*m", text) is None, f"{what} has colours", text)
            screen = Screen(rows or ROWS)
            screen.feed(text)
            expect(any(SHOWN.match(line) for line in screen.seen), f"{what} has no line of its own for it", text)
            left = screen.rows()
            expect(not any("compiling" in line for line in left), f"{what} leaves the line behind", "\n".join(left))
            if rows != 4:
                found = [line for line in left if line in LINES]
                expected = LINES * (2 if command == ["compare"] else 1)
                expect(found == expected, f"{what} damages the program's output", "\n".join(left))

        text = run([doppel, "run", "--", program], ROWS, always | {"COLUMNS": "30"})
        expect("compiling kernel 2" in text, "nothing is shown in 30 columns", text)
        screen = Screen(ROWS)
        screen.feed(text)
        expect(all(len(line) < 30 for line in screen.seen if "compiling" in line), "the line is too wide", text)

        for what, flags, variables in (
            ("with --quiet", ["--quiet"], {}),
            ("on a terminal that cannot rewrite a line", [], {"TERM": "dumb"}),
            ("within the first second", [], {"DOPPEL_PROGRESS_AFTER_S": "1000"}),
        ):
            text = run([doppel, "run", *flags, "--", program], ROWS, always | variables)
            expect("compiling" not in text and "\033" not in text, f"something is shown {what}", text)
        cached = always | {"DOPPEL_CACHE": cache}
        expect("compiling" in run([doppel, "run", "--", program], ROWS, cached), "nothing is shown at first", "")
        expect("compiling" not in run([doppel, "run", "--", program], ROWS, cached), "what is cached is compiled", "")

    print("\n".join(failures) or "all as expected")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
