# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# What the scripts share: where things are, what has to be installed, how long a part took.
# Source it first: . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Slow results live outside the tree, each under a name that says what it was made from.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/galaxy-s3-executor
mkdir -p "$cache"
export PYTHONDONTWRITEBYTECODE=1

# The Swift toolchain may be installed without being on PATH.
if ! command -v swift > /dev/null && [ -x /opt/swift/usr/bin/swift ]; then
    PATH=$PATH:/opt/swift/usr/bin
fi

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$(basename "$0"): $*"
    exit 1
}

# need_apt PACKAGE...: installs what dpkg does not know as installed, and asks for nothing else.
need_apt() {
    local package missing=()
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die "these packages are missing; as root: apt-get install ${missing[*]}"
    say "installing ${missing[*]}"
    apt_update
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${missing[@]}" \
        < /dev/null > "$cache/apt.log" 2>&1 || {
        tail -n 20 "$cache/apt.log" >&2
        die "apt-get could not install ${missing[*]}"
    }
}

# The lists are fetched once for all the scripts that one command runs.
apt_update() {
    [ -z "${GALAXY_APT_UPDATED:-}" ] || return 0
    apt-get update -qq < /dev/null >&2
    export GALAXY_APT_UPDATED=1
}

# What `swift build` needs from the distribution.
need_build_packages() {
    need_apt gcc g++ make pkg-config libcurl4-openssl-dev libssl-dev libxml2-dev git
    command -v swift > /dev/null || die "Swift 6.2 or newer is not on PATH. Install a toolchain."
}

# need_python: puts the folder of Tests/Tools/requirements.txt's programs first on PATH.
need_python() {
    local python=python3 key folder
    if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
        need_apt python3 python3-venv
        python=/usr/bin/python3
    fi
    key=$({ cat "$repo/Tests/Tools/requirements.txt" && "$python" -VV; } | digest)
    folder=$cache/python-$key
    (
        flock 9
        if [ ! -e "$folder/complete" ]; then
            say "installing Tests/Tools/requirements.txt"
            rm -rf "$folder"
            "$python" -m venv "$folder"
            "$folder/bin/pip" install --quiet --disable-pip-version-check \
                --requirement "$repo/Tests/Tools/requirements.txt" >&2
            touch "$folder/complete"
        fi
    ) 9> "$cache/python.lock"
    export PATH=$folder/bin:$PATH
}

# digest: the first 16 hexadecimal digits of standard input's SHA-256.
digest() { sha256sum | cut -c 1-16; }

# free_ports COUNT: that many TCP ports of 127.0.0.1 that nobody listens on, on one line. They lie
# below the range from which the kernel takes ports for outgoing connections.
free_ports() {
    python3 - "$1" << 'PYTHON'
import random, socket, sys

sockets = []
for port in random.sample(range(20000, 32000), 2000):
    if len(sockets) == int(sys.argv[1]):
        break
    candidate = socket.socket()
    try:
        candidate.bind(("127.0.0.1", port))
    except OSError:
        continue
    sockets.append(candidate)
print(*[s.getsockname()[1] for s in sockets])
PYTHON
}

# start_time PID: when the process started, in clock ticks; nothing if it is gone. A pid and this
# number together name one process for ever.
start_time() { sed 's/^.*) //' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 20; }

# remember_process FILE PID and end_process FILE: ends exactly the process that was remembered.
remember_process() { printf '%s %s\n' "$2" "$(start_time "$2")" > "$1"; }

end_process() {
    local pid started signal
    [ -f "$1" ] || return 0
    read -r pid started < "$1"
    for signal in TERM KILL; do
        for ((i = 0; i < 100; i++)); do
            [ "$(start_time "$pid")" = "$started" ] || break 2
            [ "$i" -gt 0 ] || kill "-$signal" "$pid" 2> /dev/null || true
            sleep 0.1
        done
    done
    rm -f "$1"
}
