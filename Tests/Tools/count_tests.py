# SPDX-License-Identifier: Apache-2.0
"""count_tests.py STATUS LOG: "PASSED FAILED" of one part of Scripts/test, then a line for each failure.

Swift Testing's closing lines and lines that are "N passed, N failed" and nothing else are added up; what
Swift Testing skipped, and counts all the same, has not passed.
A part that ended with another status than 0 counts at least one failure, whatever it printed; one
that printed no count is a single test.
"""

import re
import sys

SWIFT = re.compile(r"Test run with (\d+) tests?(?: in \d+ suites?)? (passed|failed)")
FAILED_TEST = re.compile(r'^. Test (?:".*"|\S+\(.*\)).* failed after ')
SKIPPED_TEST = re.compile(r'^. Test (?:".*"|\S+\(.*\)) skipped')
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed$")
# What Swift Testing, pytest and the scripts say of a failure, and the first words of a compiler's.
FAILURE = re.compile(r"^. Test .* recorded an issue |^(FAILED|ERROR) |\berror: ")
LONGEST_FAILURE, MOST_FAILURES = 400, 20


def count(status, lines):
    passed = failed = failed_swift_tests = skipped = 0
    counted = False
    for line in lines:
        if FAILED_TEST.match(line):
            failed_swift_tests += 1
        if SKIPPED_TEST.match(line):
            skipped += 1
        if match := SWIFT.search(line):
            run, verdict = int(match[1]), match[2]
            bad = max(1, failed_swift_tests) if verdict == "failed" else 0
            passed, failed = passed + max(0, run - bad - skipped), failed + bad
            counted, failed_swift_tests, skipped = True, 0, 0
        elif match := PLAIN.match(line.strip()):
            passed, failed = passed + int(match[1]), failed + int(match[2])
            counted = True
    if status != 0 and failed == 0:
        failed = 1
    if not counted and status == 0:
        passed = 1
    return passed, failed


def main():
    status = int(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8", errors="replace") as log:
        lines = log.read().splitlines()
    passed, failed = count(status, lines)
    print(passed, failed)
    if failed:
        failures = [line[:LONGEST_FAILURE] for line in lines if FAILURE.search(line)]
        print("\n".join((failures or lines[-5:])[:MOST_FAILURES]))


main()
