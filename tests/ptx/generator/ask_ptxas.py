# SPDX-License-Identifier: Apache-2.0
# Which of many lines of PTX the vendor's assembler takes: each stands in a kernel with others, and the assembler
# reports every line that it refuses.
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

REGISTERS = """.reg .pred %p<24>; .reg .b8 %b<24>; .reg .b16 %h<24>; .reg .b32 %r<24>; .reg .b64 %rd<24>; .reg .f32 %f<24>;
.reg .f64 %d<24>; .reg .b128 %q<24>; .param .align 32 .b8 a[128];
ts: .branchtargets L; fs: .calltargets f; proto: .callprototype _ ();
""".replace("\n", " ")
PER_KERNEL = 400
ERROR = re.compile(r"line (\d+); (?:error|fatal)\s*: (.*)")


def module(lines, target, version="9.0"):
    head = [f".version {version}", f".target {target}", ".address_size 64", ".func f() { ret; }",
            ".visible .entry k(.param .align 32 .b8 p[128]) {", REGISTERS]
    return "\n".join(head + lines + ["L: ret;", "}"]) + "\n", len(head)


def ask(ptxas, lines, target):
    """{index: reason} of the lines that are refused."""
    refused = {}
    while True:
        left = [i for i in range(len(lines)) if i not in refused]
        if not left:
            return refused
        text, head = module([lines[i] + ";" for i in left], target)
        with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([ptxas, "-arch", target, "-O0", file.name, "-o", os.devnull], capture_output=True, text=True)
        if done.returncode == 0:
            return refused
        before = len(refused)
        for at, reason in ERROR.findall(done.stderr + done.stdout):
            index = int(at) - head - 1
            if 0 <= index < len(left):
                refused.setdefault(left[index], reason)
        if len(refused) == before:  # an error without a line: halves tell whose it is
            if len(left) == 1:
                refused[left[0]] = (done.stderr + done.stdout).strip().splitlines()[0] if done.stderr + done.stdout else "crash"
                return refused
            middle = len(left) // 2
            for part in (left[:middle], left[middle:]):
                for index, reason in ask(ptxas, [lines[i] for i in part], target).items():
                    refused[part[index]] = reason
            return refused


def ask_all(ptxas, lines, target, jobs=2):
    """[reason or None] of each line."""
    answers = [None] * len(lines)
    starts = range(0, len(lines), PER_KERNEL)
    with ThreadPoolExecutor(jobs) as pool:
        for start, refused in zip(starts, pool.map(lambda s: ask(ptxas, lines[s:s + PER_KERNEL], target), starts)):
            for index, reason in refused.items():
                answers[start + index] = reason
    return answers
