#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kinds.sh CONFIG INPUT PLAIN PAGE PAGE_FILES: one output of every kind that Galaxy knows.
set -euo pipefail
config=$1 input=$2 plain=$3 page=$4 files=$5
cat "$config" "$input" > "$plain"
mkdir -p made 'split up' "$files/sub dir" "$files/empty"
nl -ba -w1 "$input" > made/numbered.tsv
while IFS= read -r line; do
    printf '%s\n' "$line" > "split up/the '$line' part.txt"
done < "$input"
echo "a page" > "$page"
echo "a note" > "$files/sub dir/it's a note.txt"
echo "said on stdout"
echo "said on stderr" >&2
