#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every rate of the tensor cores is reached by a kernel of the suite: at least 95 % of what the card's file says, at the
clock that the kernel ran at, and hardly more (the model takes the rate of a part of the launch for all of it).

    tensor_rates.py DOPPEL
"""
import json
import subprocess
import sys

# The keys of the card's file by the tests' names; of a card without the unit, what the assembler makes of it.
KEYS = {
    "f16": "fp16_acc_fp16", "f16-f32": "fp16_acc_fp32", "bf16": "bf16_acc_fp32", "tf32": "tf32", "s8": "int8",
    "s4": "int4", "e4m3": "fp8", "e3m2": "fp6", "e2m1": "fp4", "mxf8": "fp8", "mxf4": "fp4_block_scaled",
    "nvf4": "fp4_block_scaled",
}
LEAST, MOST = 0.95, 1.02


def main() -> int:
    doppel = sys.argv[1]

    def output(*arguments: str):
        return json.loads(subprocess.run([doppel, *arguments], check=True, stdout=subprocess.PIPE).stdout)

    cards: dict = {}
    watts: dict = {}
    faults, rates = [], 0
    results = output("bench", "--json", "tensor")
    for result in results:
        name = result["card"]
        card = cards.setdefault(name, output("show", name, "--json")["values"])
        kind = result["test"].removeprefix("tensor-")
        sparse = kind.startswith("sparse-")
        kind = kind.removeprefix("sparse-")
        if result.get("check", "ok") != "ok":
            faults.append(f"{result['test']} on {name}: {result}")
        if kind == "f64" or "value" not in result:
            continue
        key = "tensor." + KEYS[kind]
        if key not in card or not card[key]["value"]:
            key = "tensor.int8"
        else:
            watts.setdefault(name, []).append(result["watts"])
        expected = card[key]["value"] * (card["tensor.sparse_factor"]["value"] if sparse else 1)
        reached = result["value"] * 1e12 / (card["sm_count"]["value"] * result["clock_mhz"] * 1e6)
        rates += 1
        if not LEAST <= reached / expected <= MOST:
            faults.append(f"{result['test']} on {name}: {reached:.0f} of {expected:.0f} an SM and cycle")
    # What they draw hangs on how busy they are, not on the type: a pass has as many bits of operands.
    for name, each in watts.items():
        if max(each) > 1.1 * min(each):
            faults.append(f"from {min(each):.0f} to {max(each):.0f} W on {name}")
    if rates < 36:
        faults.append(f"only {rates} rates were taken")
    print("\n".join(faults) or f"{rates} rates are reached")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
