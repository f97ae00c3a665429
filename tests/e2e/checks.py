# SPDX-License-Identifier: Apache-2.0
"""What scripts of tests expect: each is looked at, and what does not hold is said and counted."""

failures = 0


def expect(holds: bool, what: str) -> None:
    global failures
    if not holds:
        print("FAILED:", what)
        failures += 1
