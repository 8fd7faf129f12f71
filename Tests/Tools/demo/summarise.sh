#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# summarise.sh BAM FOLDER: samtools stats, one file a section, and a folder that stays empty.
set -euo pipefail
mkdir -p "$2/sections" "$2/plots"
samtools stats "$1" > "$2/stats.txt"
for section in SN COV GCF IS RL; do
    grep "^$section" "$2/stats.txt" | cut -f 2- > "$2/sections/$section.txt"
done
