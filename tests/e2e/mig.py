# SPDX-License-Identifier: Apache-2.0
"""MIG as its users have it: instances made by `doppel smi mig`, programs in them alone, at once, and on the whole card.

mig.py DOPPEL PROGRAM PART: PROGRAM is native/partition.cpp if not said otherwise, PART one of those below.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import checks
from checks import expect

CARD = "rtx-pro-5000-blackwell"
HALF = 54 / 110  # of the SMs; of memory it is 1 / 2
MIB = 1 << 20


class Machine:
    """A node with one card, and what runs on it."""

    def __init__(self, doppel: str, program: str, folder: str):
        self.doppel = doppel
        self.program = program
        self.environment = dict(os.environ, DOPPEL_NODE=folder + "/node", DOPPEL_CARDS=CARD)
        self.environment.pop("CUDA_VISIBLE_DEVICES", None)

    def command(self, *arguments: str, status: int = 0) -> str:
        done = subprocess.run([self.doppel, *arguments], env=self.environment, capture_output=True, text=True, check=False)
        expect(done.returncode == status, f"{' '.join(arguments)}: status {done.returncode}, expected {status}: {done.stdout}{done.stderr}")
        return done.stdout

    def mig(self, *arguments: str, status: int = 0) -> str:
        return self.command("smi", "mig", *arguments, status=status)

    def start(self, what: str, visible: str | None = None, *more: str) -> subprocess.Popen:
        environment = dict(self.environment)
        if visible is not None:
            environment["CUDA_VISIBLE_DEVICES"] = visible
        return subprocess.Popen([self.doppel, "run", "--card", CARD, "--quiet", "--", self.program, what, *more], env=environment,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, what: str, visible: str | None = None) -> dict[str, str]:
        process = self.start(what, visible)
        out, _ = process.communicate()
        expect(process.returncode == 0, f"{what} on {visible}: {out}")
        return values(out)

    # Two halves; how CUDA_VISIBLE_DEVICES names them, by the number of a GPU instance.
    def divide(self) -> dict[int, str]:
        gpu = self.run("describe")["uuid"]
        expect("Enabled" in self.mig("-mig", "1"), "MIG mode is enabled")
        made = self.mig("-cgi", "1g.24gb,1g.24gb", "-C")
        expect(made.count("Successfully created compute instance") == 2, made)
        return {number: f"MIG-GPU-{gpu[:8]}/{number}/0" for number in (1, 2)}


class Talk:
    """One of several programs: told what to do, and listened to until it has done it."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.said: list[str] = []
        self.hear("ready")

    def hear(self, word: str) -> None:
        while True:
            line = self.process.stdout.readline()
            if not line:
                sys.exit(f"the program ended: {''.join(self.said)}")
            if line.strip() == word:
                return
            self.said.append(line)

    def tell(self) -> None:
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def act(self) -> dict[str, str]:
        self.tell()
        self.hear("done")
        return values("".join(self.said))

    def end(self) -> None:
        out, _ = self.process.communicate("end\n")
        expect(self.process.returncode == 0, f"{''.join(self.said)}{out}")


def values(text: str) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)


def near(found: dict[str, str], whole: dict[str, str], name: str, share: float, within: float) -> None:
    ratio = float(found[name]) / float(whole[name])
    print(f"{name}: {float(found[name]):.1f} is {ratio:.4f} of the whole card's {float(whole[name]):.1f}")
    expect(abs(ratio / share - 1) <= within, f"{name}: {ratio} of the whole card's, expected {share}")


def devices(machine: Machine) -> None:
    whole = machine.run("describe")
    machine.mig("-mig", "1")
    out, _ = machine.start("describe").communicate()
    expect("no device" in out, f"a card in MIG mode without an instance gives no device: {out}")
    made = machine.mig("-cgi", "1g.24gb,1g.24gb", "-C")
    expect(re.findall(r"GPU instance ID +(\d+) on GPU", made) == ["2", "1"], made)
    seen = set()
    for numbers in ("1/0", "2/0"):
        one = machine.run("describe", f"MIG-GPU-{whole['uuid'][:8]}/{numbers}")
        expect(one["name"] == "NVIDIA RTX PRO 5000 Blackwell MIG 1g.24gb", one["name"])
        expect((one["devices"], one["sms"], one["copy_engines"]) == ("1", "54", "1"), str(one))
        expect(int(one["memory"]) == int(one["total"]) == 24064 * MIB, one["memory"])
        expect(int(one["l2"]) * 2 == int(whole["l2"]), one["l2"])
        expect(one["gpu"] == whole["uuid"] != one["uuid"], one["gpu"])
        uuid = re.sub("(.{8})(.{4})(.{4})(.{4})(.{12})", r"MIG-\1-\2-\3-\4-\5", one["uuid"])
        expect(machine.run("describe", uuid) == one, "the same by its UUID")
        seen.add(one["uuid"])
    expect(len(seen) == 2, "each has a UUID of its own")
    expect(machine.run("describe")["uuid"] == machine.run("describe", "0")["uuid"], "without a choice it is the first")
    out, _ = machine.start("describe", "MIG-00000000-0000-0000-0000-000000000000").communicate()
    expect("no device" in out, "an unknown UUID gives none")


def rates(machine: Machine) -> None:
    whole = machine.run("rates")
    halves = machine.divide()
    alone = machine.run("rates", "0")
    for name in ("memory", "multiply_add"):
        near(alone, whole, name, 0.5, 0.03)
    both = [Talk(machine.start("measure", halves[gi])) for gi in (1, 2)]
    for each in both:
        each.tell()
    for each in both:
        each.hear("done")
        found = values("".join(each.said))
        for name in ("memory", "multiply_add"):
            near(found, whole, name, 0.5, 0.03)
            near(found, alone, name, 1, 0.001)
    for each in both:
        each.end()


def turns(machine: Machine) -> None:
    whole = machine.run("rates")
    other = Talk(machine.start("busy"))
    other.act()
    one = Talk(machine.start("measure", None, "90"))
    found = one.act()
    # A slice each in turn: 1024 us, with 66 us before it. Of ten turns or more, one does not count for much.
    for name in ("memory", "multiply_add"):
        near(found, whole, name, 0.5 * 1024 / (1024 + 66), 0.1)
    one.end()
    other.end()


def isolation(machine: Machine) -> None:
    halves = machine.divide()
    other = Talk(machine.start("measure", halves[2]))
    for what in ("exhaust", "fault"):
        one = Talk(machine.start(what, halves[1]))
        found = one.act()
        if what == "exhaust":
            # As far as this host can back it.
            expect(int(found["taken"]) <= 24064 * MIB, found["taken"])
            second = machine.run("describe", halves[2])
            expect(int(second["total"]) == 24064 * MIB, "the other's memory is as before")
        one.end()
    other.act()
    other.end()  # and looks at its results


# Bits that turn in the memory of one end its context alone.
def memory_errors(machine: Machine) -> None:
    halves = machine.divide()
    one = Talk(machine.start("measure", halves[1]))
    pid = machine.command("smi", "--query-compute-apps=pid", "--format=csv,noheader").strip()
    other = Talk(machine.start("measure", halves[2]))
    # Somewhere in four buffers, of which the first kernel reads two.
    machine.command("inject", "--double", "--random", "--count", "16", "--pid", pid)
    out, _ = one.process.communicate("go\n")
    expect(one.process.returncode == 1 and "FAILED" in out, f"an error that ECC cannot correct ends its context: {out}")
    other.act()
    other.end()  # and looks at its results
    counts = re.search(r"since the last reset: 0 corrected, (\d+) uncorrectable", machine.command("inject", "--log"))
    expect(counts is not None and int(counts[1]) >= 1, "it is counted")
    machine.run("rates", halves[1])


# What is set of the card while programs run in its instances is set of each, and each keeps its share.
def settings(machine: Machine) -> None:
    halves = machine.divide()
    before = machine.run("rates", halves[1])
    both = [Talk(machine.start("measure", halves[gi])) for gi in (1, 2)]
    machine.command("smi", "-lgc", "180,1200")
    for each in both:
        found = each.act()
        near(found, before, "memory", 1, 0.03)
        expect(float(found["multiply_add"]) < 0.99 * 108 / 110 * 54 * 128 * 2 * 1.2, f"no faster than 54 SMs at 1.2 GHz: {found}")
        expect(float(found["multiply_add"]) > 0.9 * 54 * 128 * 2 * 1.2, f"and no slower: {found}")
        each.end()
    machine.command("smi", "-rgc")
    near(machine.run("rates", halves[1]), before, "multiply_add", 1, 0.001)


def refusals(machine: Machine) -> None:
    whole = Talk(machine.start("measure"))
    expect("pending enable state" in machine.mig("-mig", "1"), "not while a program uses the card")
    whole.process.communicate("go\nend\n")
    halves = machine.divide()
    expect("Insufficient Resources" in machine.mig("-cgi", "2g.48gb", status=23), "what does not fit")
    expect("Invalid Argument" in machine.mig("-cgi", "7g.80gb", status=2), "what the card does not have")
    user = Talk(machine.start("measure", halves[2]))
    expect("In use by another client" in machine.mig("-dci", "-gi", "2", status=19), "not under a program")
    machine.mig("-dci", "-gi", "1")
    user.process.kill()  # with what it started
    user.process.wait()
    # The program ends with its parent.
    for _ in range(200):
        done = subprocess.run([machine.doppel, "smi", "mig", "-dci"], env=machine.environment, capture_output=True, check=False)
        if done.returncode == 0:
            break
    expect(done.returncode == 0, "a killed program uses nothing")
    machine.mig("-dgi")
    expect("Disabled" in machine.mig("-mig", "0"), "the mode is off again")


# PROGRAM is one that nvcc built: with its CUDA runtime on the first MIG device, where nothing names another.
def runtime(machine: Machine) -> None:
    machine.mig("-mig", "1")
    machine.mig("-cgi", "1g.24gb", "-C")
    done = subprocess.run([machine.doppel, "run", "--card", CARD, "--", machine.program], env=machine.environment, capture_output=True, text=True, check=False)
    expect(done.returncode == 0 and "all as expected" in done.stdout, done.stdout + done.stderr)
    expect("RTX PRO 5000 Blackwell MIG 1g.24gb" in done.stderr, done.stderr)


PARTS = {"devices": devices, "rates": rates, "turns": turns, "isolation": isolation, "memory_errors": memory_errors, "settings": settings, "refusals": refusals, "runtime": runtime}


def main() -> int:
    doppel, program, part = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="doppel-mig-") as folder:
        PARTS[part](Machine(doppel, str(pathlib.Path(program).resolve()), folder))
    return 1 if checks.failures else 0


if __name__ == "__main__":
    sys.exit(main())
