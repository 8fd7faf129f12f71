# SPDX-License-Identifier: Apache-2.0
"""left_out.py LOG...: a line for each test of Swift Testing's that was skipped and passed in no part.

Many are skipped where they would be in the way, and run in a part of their own. A suite that is skipped says
so of itself and of each of its tests.
"""

import re
import sys

VERDICT = re.compile(r'^. Test (".*"|\S+\(.*\))(?: with \d+ test cases)? (skipped|passed|failed)')


def main():
    seen = {"skipped": set(), "passed": set(), "failed": set()}
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                if match := VERDICT.match(line):
                    seen[match[2]].add(match[1])
    for name in sorted(seen["skipped"] - seen["passed"] - seen["failed"]):
        print(name)


main()
