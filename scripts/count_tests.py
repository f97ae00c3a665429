# SPDX-License-Identifier: Apache-2.0
"""Reads a CTest JUnit file: names what failed or was skipped, then prints 'PASSED FAILED SKIPPED' as three numbers."""

import sys
import xml.etree.ElementTree as ElementTree


def main() -> int:
    passed = failed = skipped = 0
    for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
        name = case.get("name")
        status = case.get("status")
        if case.find("skipped") is not None or status in ("notrun", "disabled"):
            skipped += 1
            print(f"SKIPPED  {name}")
        elif case.find("failure") is not None or status == "fail":
            failed += 1
            print(f"FAILED   {name}")
        else:
            passed += 1
    print(passed, failed, skipped)
    return 0


if __name__ == "__main__":
    sys.exit(main())
