# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# What the scripts share: where things are, what has to be installed, how long a part took.
# Source it first: . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
set -euo pipefail
shopt -s inherit_errexit

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
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
        -o DPkg::Lock::Timeout=600 "${missing[@]}" < /dev/null > "$cache/apt.log" 2>&1 || {
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

# newest PACKAGE...: PACKAGE=VERSION for each, as the distribution has it now.
# shellcheck disable=SC2016 # awk's own variables
newest() { shown "$@" | awk '/^Package: / { package = $2 } /^Version: / { print package "=" $2 }'; }

# newest_source PACKAGE: the version that the distribution has now of the package's source.
# shellcheck disable=SC2016
newest_source() {
    shown "$1" | awk '
        /^Version: / { version = $2 }
        /^Source: .*\(/ { source = $3; gsub(/[()]/, "", source) }
        END { print source ? source : version }'
}

# shown PACKAGE...: what apt knows of the newest versions; its lists may not have been fetched yet.
shown() {
    apt-cache show --no-all-versions "$@" 2> /dev/null && return
    apt_update
    apt-cache show --no-all-versions "$@" || die "the distribution lacks one of $*"
}

# unpacked PACKAGE...: prints a folder that holds these packages' files, without what they depend on.
# They are not installed: no service of theirs starts, and nothing of the machine's is replaced.
unpacked() {
    local package folder work exact
    mapfile -t exact < <(newest "$@")
    [ "${#exact[@]}" = $# ] || die "apt knows no version of one of $*"
    folder=$cache/unpacked-$1-$(printf '%s\n' "${exact[@]}" | digest)
    (
        flock 9
        [ ! -d "$folder" ] || exit 0
        say "fetching ${exact[*]}"
        work=$(mktemp -d "$cache/unpacked.XXXXXX")
        cd "$work"
        if ! apt-get download -qq "${exact[@]}" > log 2>&1; then
            tail -n 3 log >&2
            rm -rf "$work"
            die "apt-get could not download ${exact[*]}; is apt's list of packages too old?"
        fi
        for package in *.deb; do dpkg-deb -x "$package" tree; done
        mv tree "$folder"
        rm -rf "$work"
    ) 9> "$cache/unpacked.lock"
    printf '%s\n' "$folder"
}

# source_packages FOLDER PACKAGE=VERSION...: unpacks the distribution's own sources in FOLDER. The
# list of sources is made from the machine's, whose own configuration stays as it is.
source_packages() {
    local folder=$1 apt=$1/.apt file options
    shift
    mkdir -p "$apt"/{parts,lists/partial}
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$file" ] ||
            sed 's/^Types:.*/Types: deb-src/' "$file" > "$apt/parts/$(basename "$file")"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$file" ] ||
            sed -n 's/^deb[[:space:]]/deb-src /p' "$file" > "$apt/parts/$(basename "$file")"
    done
    options=(
        -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/parts"
        -o Dir::State::Lists="$apt/lists" -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache=
        -o APT::Sandbox::User=
    )
    # Third parties' lists have no sources; only a missing source package is an error.
    apt-get "${options[@]}" update || true
    (
        cd "$folder"
        apt-get "${options[@]}" source "$@" || {
            # The machine's lists are older, or newer, than what the distribution has now.
            say "no sources of exactly these versions: taking the newest"
            apt-get "${options[@]}" source "${@%%=*}"
        }
    )
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

# need_galaxy: puts the folder of a real Galaxy's programs, and of what tests it, first on PATH. Made once
# for each state of Tests/Galaxy/constraints.txt, which takes some minutes.
need_galaxy() {
    local python=python3 key folder
    if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
        need_apt python3 python3-venv
        python=/usr/bin/python3
    fi
    key=$({ cat "$repo/Tests/Galaxy/"{requirements,constraints}.txt && "$python" -VV; } | digest)
    folder=$cache/galaxy-$key
    (
        flock 9
        if [ ! -e "$folder/complete" ]; then
            say "installing Galaxy; some minutes"
            rm -rf "$folder"
            "$python" -m venv "$folder"
            nice -n 10 "$folder/bin/pip" install --quiet --disable-pip-version-check \
                --requirement "$repo/Tests/Galaxy/requirements.txt" \
                --constraint "$repo/Tests/Galaxy/constraints.txt" >&2
            touch "$folder/complete"
        fi
    ) 9> "$cache/galaxy.lock"
    galaxy_environment=$folder
    export PATH=$folder/bin:$PATH
}

# need_galaxy_boto3: sets galaxy_boto3 to a folder of what Galaxy needs to keep its data in S3.
need_galaxy_boto3() {
    local key folder
    key=$({ cat "$repo/Tests/Galaxy/object-store.txt" && python3 -VV; } | digest)
    folder=$cache/galaxy-boto3-$key
    (
        flock 9
        if [ ! -e "$folder/complete" ]; then
            rm -rf "$folder"
            pip install --quiet --no-deps --disable-pip-version-check --target "$folder" \
                --requirement "$repo/Tests/Galaxy/object-store.txt" >&2
            touch "$folder/complete"
        fi
    ) 9> "$cache/galaxy.lock"
    # shellcheck disable=SC2034 # read by Scripts/galaxy
    galaxy_boto3=$folder
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

# start_time PID: when the process started, in clock ticks; nothing if it has ended, whether or not its
# parent has noticed. A pid and this number together name one process for ever.
# shellcheck disable=SC2016 # awk's own variables
start_time() { sed 's/^.*) //' "/proc/$1/stat" 2> /dev/null | awk '$1 != "Z" { print $20 }' || true; }

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

# note_secret TEXT: where Scripts/test has asked for it, notes what may stand nowhere but where it belongs:
# Tests/Tools/secrets_left.py looks for it.
note_secret() {
    [ -n "${GALAXY_S3_TEST_KNOWN_KEYS:-}" ] || return 0
    printf '%s\n' "$1" >> "$GALAXY_S3_TEST_KNOWN_KEYS/keys"
}

# look_for_secrets PATH...: where Scripts/test has asked for it, looks for them in what is about to be
# removed.
look_for_secrets() {
    [ -n "${GALAXY_S3_TEST_KNOWN_KEYS:-}" ] || return 0
    python3 "$repo/Tests/Tools/secrets_left.py" search "$GALAXY_S3_TEST_KNOWN_KEYS" "$@" >&2 || true
}
