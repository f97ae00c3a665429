# SPDX-License-Identifier: Apache-2.0
"""Ends a program in many ways at many moments, and checks what is left: its status, its report, its objects in the cache,
and nothing else.

ends.py DOPPEL PROGRAM [MODE...]
"""

import argparse
import ctypes
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

STATUS = 7
PR_SET_CHILD_SUBREAPER = 36
# Longer than any end may take, with much room for a busy machine: a program that hangs is what fails here.
SECONDS = 60

# Mode: status under doppel, whether `work` is in the report, whether its object is in the cache.
COMPILED = {"report": None, "cached": True}
MODES = {
    "return": (STATUS, COMPILED),
    "return-with-many-queued": (STATUS, COMPILED),
    "return-while-running": (STATUS, {"unfinished": "spin"}),
    "exit-in-another-thread": (STATUS, {}),
    "exit-while-another-waits": (STATUS, {"unfinished": "spin"}),
    "exit-in-callback": (STATUS, {"report": "work", "cached": True}),
    "exit-in-capture": (STATUS, COMPILED),
    "quick_exit": (STATUS, COMPILED),
    "_exit": (STATUS, {}),
    "_exit-after-work": (STATUS, {"report": "work", "cached": True}),
    "_exit-while-running": (STATUS, {"unfinished": "spin"}),
    "throw": (128 + signal.SIGABRT, {}),
    "abort-while-running": (128 + signal.SIGABRT, {"unfinished": "spin"}),
    "fault": (128 + signal.SIGSEGV, {"report": "work", "cached": True}),
    "sigterm": (128 + signal.SIGTERM, {"unfinished": "spin"}),
    "sigint": (128 + signal.SIGINT, {"unfinished": "spin"}),
    "sigkill": (128 + signal.SIGKILL, {}),
    "destructor-frees": (STATUS, {"unfinished": "spin"}),
    "destructor-synchronizes": (STATUS, {"unfinished": "spin"}),
    "destructor-joins-a-waiting-thread": (STATUS, {"unfinished": "spin"}),
    "destructor-reads-results": (STATUS, COMPILED),
    "fork-and-exec": (STATUS, {"unfinished": "spin"}),
    "fork-and-exit": (STATUS, {"report": "work", "cached": True}),
    "fork-and-terminate": (STATUS, {"report": "work", "cached": True}),
}
# Of tests/programs/ends.cu.
RUNTIME = {
    "runtime-return-without-waiting": (STATUS, {"cached": True}),
    "runtime-return-while-running": (STATUS, {"unfinished": "spin"}),
    "runtime-destructor-frees-while-running": (STATUS, {"unfinished": "spin"}),
    "runtime-exit-in-another-thread": (STATUS, {}),
    "runtime-throw": (128 + signal.SIGABRT, {}),
}
# Modes in which the moment matters are tried with kernels of these lengths.
LENGTHS = {"return": (1, 5, 20, 60, 150), "exit-in-another-thread": (1, 30, 100), "quick_exit": (1, 60), "throw": (1, 60),
           "_exit": (1, 60)}


def children_left() -> list[int]:
    """Descendants that outlived their parent: they are this process's now."""
    return [int(pid) for pid in pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def objects(cache: pathlib.Path) -> dict[pathlib.Path, int]:
    return {file: file.stat().st_mtime_ns for file in cache.rglob("*.o")}


class Failure(Exception):
    pass


def expect(holds: bool, what: str) -> None:
    if not holds:
        raise Failure(what)


def run(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    try:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as late:
        raise Failure(f"it does not end: {late.stdout} {late.stderr}") from late
    return done.returncode, done.stdout + done.stderr


def try_mode(doppel: str, program: str, mode: str, length: int, folder: pathlib.Path) -> None:
    status, expected = (MODES | RUNTIME)[mode]
    cache = folder / "cache"
    report = folder / "report.json"
    environment = os.environ | {"DOPPEL_CACHE": str(cache)}
    command = [doppel, "run", "--report", str(report), "--", program, mode.removeprefix("runtime-"), str(length)]
    ended, text = run(command, environment)
    expect(ended == status, f"status {ended}, expected {status}\n{text}")
    expect(not children_left(), "processes are left")
    found = json.loads(report.read_text())["runs"][0]
    expect(found["exit"] == status, f"the report says status {found['exit']}")
    if expected.get("report"):
        expect(any(k["name"] == expected["report"] for k in found["kernels"]), f"no kernel in the report: {found}")
    if expected.get("unfinished"):
        expect(any(d["kind"] == "unfinished" and expected["unfinished"] in d["text"] for d in found["diagnostics"]),
               f"the report does not say what was cut off: {found['diagnostics']}")
    if expected.get("cached"):
        before = objects(cache)
        expect(bool(before), "the object that was compiled is not in the cache")
        expect(not list(cache.rglob("*.o.*")), "a half-written object is left")
        ended, text = run(command, environment)
        expect(ended == status, f"the second time: status {ended}, expected {status}\n{text}")
        after = objects(cache)
        expect(all(after.get(file) == time for file, time in before.items()), "an object was compiled again")


def start_spinning(doppel: str, program: str, mode: str, folder: pathlib.Path) -> subprocess.Popen:
    environment = os.environ | {"DOPPEL_CACHE": str(folder / "cache")}
    started = subprocess.Popen([doppel, "run", "--report", str(folder / "report.json"), "--", program, mode, "1"],
                               env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    expect(started.stdout.readline() == "spinning\n", "it does not start")
    return started


def kill_doppel(doppel: str, program: str, mode: str, folder: pathlib.Path) -> None:
    """SIGKILL of doppel takes all processes of the program that use the card with it."""
    started = start_spinning(doppel, program, mode, folder)
    os.kill(started.pid, signal.SIGKILL)
    expect(started.wait(SECONDS) == -signal.SIGKILL, "doppel was not killed")
    started.stdout.read()  # ends when the last process that could write to it has
    while children_left():
        os.waitpid(-1, 0)


def terminate_doppel(doppel: str, program: str, folder: pathlib.Path) -> None:
    """SIGTERM of doppel ends the program, whose report is written."""
    started = start_spinning(doppel, program, "spin", folder)
    started.send_signal(signal.SIGTERM)
    status = started.wait(SECONDS)
    expect(status == 128 + signal.SIGTERM, f"status {status}")
    expect(not children_left(), "processes are left")
    json.loads((folder / "report.json").read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("doppel")
    parser.add_argument("program")
    parser.add_argument("modes", nargs="*")
    arguments = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("hangs"))

    tries = {mode: [lambda f, m=mode, n=n: try_mode(arguments.doppel, arguments.program, m, n, f)
                    for n in LENGTHS.get(mode, (20,))] for mode in MODES | RUNTIME}
    tries["kill-doppel"] = [lambda f: kill_doppel(arguments.doppel, arguments.program, "spin", f)]
    tries["kill-doppel-with-a-child"] = [lambda f: kill_doppel(arguments.doppel, arguments.program, "spin-in-a-child", f)]
    tries["terminate-doppel"] = [lambda f: terminate_doppel(arguments.doppel, arguments.program, f)]
    failures = 0
    for mode in arguments.modes or (mode for mode in tries if mode not in RUNTIME):
        for attempt in tries[mode]:
            with tempfile.TemporaryDirectory() as folder:
                signal.alarm(3 * SECONDS)
                try:
                    attempt(pathlib.Path(folder))
                except Failure as failure:
                    failures += 1
                    print(f"{mode}: {failure}")
                finally:
                    for pid in children_left():
                        os.kill(pid, signal.SIGKILL)
                        os.waitpid(pid, 0)
                signal.alarm(0)
    print("all as expected" if failures == 0 else f"{failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
