# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts share. Sourced, after `set -eu`; sets `root` (the repository).

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
libexec=$root/scripts/lib

say()
{
    printf '%s\n' "$*"
}

die()
{
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# usage STATUS: what the script's head says of it, on standard output when it was asked for.
usage()
{
    local text
    text=$(sed -n '3,/^[^#]/{s/^# \{0,1\}//p}' "$0")
    if [ "$1" = 0 ]; then
        say "$text"
    else
        say "$text" >&2
    fi
    exit "$1"
}

# For scripts that take at most words: --help, and options that there are not.
no_options()
{
    local word
    for word in "$@"; do
        case $word in
        --help | -h) usage 0 ;;
        -*) usage 2 ;;
        esac
    done
}

# is_number WORD: a whole number, not 0.
is_number()
{
    case $1 in
    '' | *[!0-9]* | 0*) return 1 ;;
    esac
}

have()
{
    command -v "$1" >/dev/null 2>&1
}

# The packages in some groups of scripts/lib/packages.
packages_of()
{
    local group
    for group in "$@"; do
        sed -n "/^\\[$group\\]\$/,/^\\[/{/^[a-z0-9]/p}" "$libexec/packages"
    done | sort
}

# Those of them that are not installed.
packages_missing()
{
    # shellcheck disable=SC2016 # dpkg-query's own syntax
    comm -23 <(packages_of "$@") \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u)
}

# build DIR [MESON OPTIONS…]: configures DIR once, and builds what has changed. $CC says with what, $TARGET if not all.
build()
{
    local dir=$1
    shift
    if [ ! -f "$dir/build.ninja" ]; then
        meson setup "$dir" "$root" "$@"
    fi
    ninja -C "$dir" ${TARGET:+"$TARGET"}
}

# sanitized_build DIR SANITIZERS: with clang.
sanitized_build()
{
    CC=clang build "$1" "-Db_sanitize=$2" -Db_lundef=false -Dc_args=-fno-omit-frame-pointer
}

# What is said matters only if it fails.
build_quietly()
{
    local log status=0
    log=$(mktemp)
    (build "$@") >"$log" 2>&1 || status=$?
    [ $status = 0 ] || tail -n 40 "$log"
    rm -f "$log"
    return $status
}

# The first of the usual places where FILE is; the multiarch folder differs between machines.
find_library()
{
    local place
    for place in /usr/lib /usr/lib/*-linux-gnu /usr/lib64 /usr/local/lib; do
        if [ -e "$place/$1" ]; then
            printf '%s\n' "$place/$1"
            return
        fi
    done
    die "no $1 below /usr/lib: run scripts/setup as root"
}

# ---- counting: one line `PASSED FAILED WORDS` for each thing that ran, in the file $TP_TALLY ----

# Whoever is called by somebody who counts, counts for them.
tally_begin()
{
    tally_own=no
    if [ -z "${TP_TALLY:-}" ]; then
        tally_own=yes
        TP_TALLY=$(mktemp)
        export TP_TALLY
    fi
}

tally()
{
    printf '%s\n' "$*" >>"$TP_TALLY"
}

# What failed, and the line that ends a run. Fails if anything has, or if nothing ran.
tally_end()
{
    local status=0
    [ "$tally_own" = yes ] || return 0
    awk '
        { passed += $1; failed += $2 }
        $2 > 0 { count = $2; $1 = $2 = ""; print "failed:" $0 " (" count ")" }
        END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }' "$TP_TALLY" || status=1
    rm -f "$TP_TALLY"
    return $status
}

# attempt WORDS COMMAND…: a step that says how long it took, and that the run survives; if it fails, that counts as one
# failure, and `attempted` says so to what cannot go on without it. COMMAND is a function or program under `set -e`, which
# bash would switch off inside a condition: hence the subshell, and never `attempt … || …`.
attempt()
{
    local words=$1 began=$SECONDS
    shift
    printf '\n==> %s\n' "$words"
    set +e
    (
        set -e
        "$@"
    )
    attempted=$?
    set -e
    printf '==> %s: %d s\n' "$words" $((SECONDS - began))
    [ $attempted = 0 ] || tally 0 1 "$words (status $attempted)"
}

# Where tests put what they need not find again: in memory, where there is enough. Durability is what the integration
# tests look after, with killed engines; units that open a store a thousand times would only wait for the disk.
scratch_folder()
{
    local free folder
    free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
    if [ -w /dev/shm ] && [ "${free:-0}" -gt 524288 ]; then
        folder=$(TMPDIR=/dev/shm mktemp -d -t tp.XXXXXX)
    else
        folder=$(mktemp -d)
    fi
    chmod 711 "$folder" # some tests become nobody
    printf '%s\n' "$folder"
}

# The meson tests of SUITES… in DIR, counted. $WRAPPER goes before meson.
meson_tests()
{
    local dir=$1 log=$1/meson-logs/testlog.json suites=() suite place
    shift
    for suite in "$@"; do
        suites+=(--suite "$suite")
    done
    rm -f "$log"
    place=$(scratch_folder)
    TMPDIR=$place ${WRAPPER:-} meson test -C "$dir" --no-rebuild --print-errorlogs -t "${TIMES:-2}" "${suites[@]}" || true
    rm -rf "$place"
    "$libexec/count" "$(basename "$dir")" "$log" >>"$TP_TALLY"
}
