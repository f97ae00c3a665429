#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Doppel's own speed on this host, beside its peers: medians of runs taken in turns, on one core unless said.

bench/compare.py [--bin DIR] [--rounds N] [--fetches]    DIR is the build's bin folder, default build/release/bin
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

# Thread instructions of the tiled product at N = 512 as compiled to PTX; they grow with N^3.
TILED_INSTRUCTIONS_AT_512 = 539e6

# Works of turned_image.h: each 1024 by 1024 fetches of a texture.
TURNS = {
    "turn-image": "bytes x4, bilinear",
    "turn-image-normalized": "the same, normalised",
    "turn-image-wrap": "the same, wrap",
    "turn-image-mirror": "the same, mirror",
    "turn-image-border": "the same, border",
    "turn-image-nearest": "bytes x4, nearest",
    "turn-image-layers": "bytes x4, layers, bilinear",
    "turn-image-volume": "bytes x4, volume, trilinear",
    "turn-float": "floats, bilinear",
    "turn-float-nearest": "floats, nearest",
    "turn-float-volume": "floats, volume, trilinear",
    "turn-float4": "float4, bilinear",
    "turn-float4-wrap": "the same, wrap",
    "turn-float4-nearest": "float4, nearest",
}


class Bench:
    def __init__(self, folder: pathlib.Path, rounds: int, cache: str):
        self.folder = folder
        self.rounds = rounds
        self.environment = dict(os.environ, DOPPEL_CACHE=cache)

    def has(self, program: str) -> bool:
        return (self.folder / program).exists()

    def run(self, command: list[str], one_core: bool = True) -> tuple[dict, float]:
        """The JSON line a program prints, and the seconds the whole process took."""
        prefix = ["taskset", "-c", "0"] if one_core and shutil.which("taskset") else []
        begin = time.perf_counter()
        done = subprocess.run(prefix + command, env=self.environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begin
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        line = json.loads(next(text for text in done.stdout.splitlines() if text.startswith("{")))
        if not line.get("correct", False):
            raise RuntimeError(f"{' '.join(command)} gave a wrong answer")
        return line, seconds

    def on_card(self, work: list[str], timing: str = "off") -> list[str]:
        return [str(self.folder / "doppel"), "run", "--timing", timing, "--", str(self.folder / "bench-on-card")] + work

    def load(self) -> list[str]:
        return [str(self.folder / "doppel"), "run", "--timing", "off", "--", str(self.folder / "bench-load")]

    def peer(self, program: str, work: list[str]) -> list[str]:
        return [str(self.folder / program)] + work

    def medians(self, commands: dict[str, list[str]], field: str = "rate") -> dict[str, float]:
        """Runs the commands in turns, so that what disturbs one disturbs all."""
        values: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(self.rounds):
            for name, command in commands.items():
                values[name].append(self.run(command)[0][field])
        return {name: statistics.median(of_name) for name, of_name in values.items()}


def row(what: str, ours: str, peer: str, ratio: str, goal: str) -> None:
    print(f"{what:<44} {ours:>20} {peer:>28} {ratio:>8}   {goal}")


def against_peer(bench: Bench, work: list[str], what: str, unit: str, goal: str = "> 1") -> None:
    commands = {"doppel": bench.on_card(work)}
    if bench.has("bench-opencl"):
        commands["opencl"] = bench.peer("bench-opencl", work)
    values = bench.medians(commands)
    ours = values["doppel"]
    if "opencl" in values:
        row(what, f"{ours:.3g} {unit}", f"OpenCL {values['opencl']:.3g} {unit}", f"{ours / values['opencl']:.2f}", goal)
    else:
        row(what, f"{ours:.3g} {unit}", "OpenCL: not installed", "", goal)


def against_blas(bench: Bench) -> None:
    """Products on the tensor cores, whose every addition is a card's, beside the host's own product of floats: of
    numbers with few bits, whose sums are exact, and of numbers as they come. In processor time."""
    works = {"gemm-f16": ">= 0.3", "gemm-f16-random": "", "gemm-bf16": "", "gemm-bf16-random": "", "gemm-tf32": "",
             "gemm-tf32-random": "", "gemm-s8": ""}
    commands = {work: bench.on_card([work, "1024"]) for work in works}
    if bench.has("bench-sgemm"):
        commands["sgemm"] = bench.peer("bench-sgemm", ["1024"])
    values = bench.medians(commands)
    for work, goal in works.items():
        element, _, data = work.removeprefix("gemm-").partition("-")
        what = f"mma.sync {element} {data or 'few bits'} N=1024, one core"
        if "sgemm" in values:
            row(what, f"{values[work]:.3g} GFLOP/s", f"OpenBLAS {values['sgemm']:.3g} GFLOP/s",
                f"{values[work] / values['sgemm']:.2f}", goal)
        else:
            row(what, f"{values[work]:.3g} GFLOP/s", "OpenBLAS: not installed", "", goal)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fetches", action="store_true", help="only the rows of fetches from textures")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        bench = Bench(pathlib.Path(arguments.bin).resolve(), arguments.rounds, cache)
        row("what", "Doppel", "peer", "ratio", "goal")
        if not arguments.fetches:
            measure(bench)
        measure_fetches(bench)


def measure_fetches(bench: Bench) -> None:
    for work, what in TURNS.items():
        against_peer(bench, [work], f"fetches: {what}", "Gpixel/s", ">= 5")


def measure(bench: Bench) -> None:
    for size in (512, 1024):
        seconds = bench.medians({"doppel": bench.on_card(["matmul-tiled", str(size)])}, "seconds")["doppel"]
        rate = TILED_INSTRUCTIONS_AT_512 * (size / 512) ** 3 / seconds
        row(f"tiled product N={size}, one core", f"{rate:.3g} instr/s", "", "", ">= 4e9 thread instructions/s")
    against_peer(bench, ["matmul-tiled", "1024"], "tiled product N=1024", "GFLOP/s")
    against_peer(bench, ["matmul-naive", "512"], "naive product N=512", "GFLOP/s")
    against_peer(bench, ["mandelbrot", "1024"], "Mandelbrot 1024x1024", "Giteration/s")
    against_peer(bench, ["saxpy"], "a*x+y, 2^24 floats", "GB/s")

    against_blas(bench)

    values = bench.medians(
        {"doppel": bench.on_card(["mandelbrot", "1024"]), "scalar": bench.peer("bench-scalar", ["1024"])}
    )
    ratio = values["doppel"] / values["scalar"]
    row("Mandelbrot against scalar C++ -O3", f"{values['doppel']:.3g} Giteration/s",
        f"scalar {values['scalar']:.3g} Giteration/s", f"{ratio:.2f}", ">= 4")

    values = bench.medians(
        {"off": bench.on_card(["matmul-tiled", "1024"]), "fast": bench.on_card(["matmul-tiled", "1024"], "fast")}, "seconds"
    )
    row("tiled product N=1024, timing fast / off", f"{values['fast']:.3g} s", f"off {values['off']:.3g} s",
        f"{values['fast'] / values['off']:.2f}", "<= 2")

    lines = [bench.run(bench.load())[0] for _ in range(bench.rounds)]
    rate = statistics.median(line["rate"] for line in lines)
    words = statistics.median(line["words_rate"] for line in lines)
    row("a module of 3,000 kernels loaded, one asked for", f"{rate:.3g} MB/s", f"told into words {words:.3g} MB/s",
        f"{rate / words:.2f}", ">= 20 MB/s")

    cold, warm = [], []
    for _ in range(bench.rounds):
        with tempfile.TemporaryDirectory() as fresh:
            bench.environment["DOPPEL_CACHE"] = fresh
            cold.append(bench.run(bench.on_card(["vector-add"], "fast"), one_core=False)[1])
            warm.append(bench.run(bench.on_card(["vector-add"], "fast"), one_core=False)[1])
    row("vector add of 50,000, whole process, cold", f"{statistics.median(cold):.3f} s", "", "", "< 1.5 s")
    row("vector add of 50,000, whole process, warm", f"{statistics.median(warm):.3f} s", "", "", "< 0.35 s")

    with tempfile.TemporaryDirectory() as fresh:
        bench.environment["DOPPEL_CACHE"] = fresh
        line = bench.run(bench.on_card(["launches", "10000"], "fast"), one_core=False)[0]
    row("10,000 launches: growth of the process", f"{line['grown_kb']} KB", f"{line['rate']:.3g} launches/s", "", "none")


if __name__ == "__main__":
    main()
