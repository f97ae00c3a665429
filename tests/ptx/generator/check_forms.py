# SPDX-License-Identifier: Apache-2.0
"""Which forms the vendor's assembler takes, and which Doppel does.

check_forms.py                    asks ptxas for each line of form_candidates.py and compares with tests/ptx_frontend/data/form_lines.txt
check_forms.py --write            writes that file
check_forms.py --doppel PROGRAM   compares with what build/release/tests/bin/form_acceptance says: what each refuses that the other takes

Exit status 77: no ptxas of the release that the file is of.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict

from ask_ptxas import ask_all
from form_candidates import expand, form_of

TARGETS = ("sm_86", "sm_120a")
RELEASE = "13.0"
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../ptx_frontend/data/form_lines.txt")
MARKS = {(True, True): "both", (True, False): "sm_86", (False, True): "sm_120a", (False, False): "neither"}


def find_ptxas():
    for path in (shutil.which("ptxas"), "/usr/local/cuda/bin/ptxas"):
        if path and os.path.exists(path):
            said = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
            if re.search(rf"release {re.escape(RELEASE)}\b", said):
                return path
    return None


def cover(rows):
    """Tuples of words as few products of sets of words: what differs in one place only is one product."""
    if not rows[0]:
        return [()]
    behind = defaultdict(list)  # the rests of each first word
    for row in rows:
        behind[row[0]].append(row[1:])
    alike = defaultdict(list)
    for word, rests in behind.items():
        alike[tuple(sorted(set(rests)))].append(word)
    return [(tuple(words),) + rest for rests, words in alike.items() for rest in cover(list(rests))]


def group(words):
    shown = [w or "-" for w in words]
    return shown[0] if len(shown) == 1 else "(" + " ".join(shown) + ")"


def lines_of_file(answers):
    """answers: {(choices, operands): mark}."""
    kinds = defaultdict(list)
    for (choices, operands), mark in answers.items():
        kinds[mark, choices[0], len(choices)].append(choices + (operands,))
    lines = []
    for (mark, _, _), rows in kinds.items():
        by_operands = defaultdict(list)
        for row in rows:
            by_operands[row[-1]].append(row[:-1])
        for operands, forms in by_operands.items():
            for product in cover(forms):
                words = [group(w) for w in product if w != ("",)]
                lines.append(f"{mark} {' '.join(words)} ; {operands}".strip())
    return sorted(lines, key=lambda line: line.split(" ", 1)[1])


def ask(ptxas):
    unique = {}
    for choices, operands in expand():
        unique.setdefault(f"{form_of(choices)} {operands}".strip(), (choices, operands))
    texts = sorted(unique)
    takes = [[reason is None for reason in ask_all(ptxas, texts, target)] for target in TARGETS]
    return texts, {unique[t]: MARKS[a, b] for t, a, b in zip(texts, *takes)}


def compare_with_doppel(program, texts, marks):
    differences = 0
    for target in TARGETS:
        said = subprocess.run([program, target, "9.0"], input="\n".join(texts) + "\n", capture_output=True, text=True, check=True).stdout.splitlines()
        for text, mark, answer in zip(texts, marks, said):
            if (mark in ("both", target)) != (answer == "ok"):
                differences += 1
                print(f"{target}: {text}: {'Doppel refuses: ' + answer if answer != 'ok' else 'ptxas refuses'}")
    return differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--doppel")
    arguments = parser.parse_args()
    ptxas = find_ptxas()
    if ptxas is None:
        print(f"no ptxas {RELEASE}")
        return 77
    texts, answers = ask(ptxas)
    lines = lines_of_file(answers)
    if arguments.write:
        with open(DATA, "w") as file:
            file.write(HEAD + "\n".join(lines) + "\n")
    if arguments.doppel:
        by_text = {f"{form_of(c)} {o}".strip(): mark for (c, o), mark in answers.items()}
        return 1 if compare_with_doppel(arguments.doppel, texts, [by_text[t] for t in texts]) else 0
    with open(DATA) as file:
        kept = [line.rstrip("\n") for line in file if not line.startswith("#")]
    for line in sorted(set(kept) ^ set(lines)):
        print(("only the file: " if line in kept else "only ptxas: ") + line)
    return 0 if kept == lines else 1


HEAD = f"""# What ptxas {RELEASE} takes (PTX 9.0), written by tests/ptx/generator/check_forms.py. A line is a mark, a form with its suffixes, `;` and operands;
# a list in parentheses stands for each of its words, `-` for none.
# both, sm_86, sm_120a: for which of the two targets it is taken; neither: for none.
"""

if __name__ == "__main__":
    sys.exit(main())
