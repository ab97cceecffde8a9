# shellcheck shell=bash
# lib.sh - what the scripts of this folder share. Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${LC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/leadclock}
# 3.x of the plugin insists on the parent pom of Apicurio, which is not to be had everywhere.
MAVEN_DEPENDENCY=org.apache.maven.plugins:maven-dependency-plugin:2.8

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

# with_progress TEXT LOG COMMAND...: runs the command with its output in LOG, says every ten seconds that it is still
# at it, and shows the end of LOG where it fails.
with_progress() {
    local text=$1 log=$2 began=$SECONDS pid status=0 next=10
    shift 2
    say "$text"
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        if ((SECONDS - began >= next)); then
            say "  ... still at it after $((SECONDS - began)) s: $(tail -n 1 "$log" | cut -c 1-100)"
            next=$((next + 10))
        fi
    done
    wait "$pid" || status=$?
    if ((status)); then
        say "failed: $text; the end of $log:"
        tail -n 30 "$log" >&2
    fi
    return "$status"
}

# wait_until SECONDS TEXT COMMAND...: repeats the command, quietly, until it succeeds.
wait_until() {
    local limit=$1 text=$2 began=$SECONDS next=10
    shift 2
    until "$@" >/dev/null 2>&1; do
        sleep 0.2
        if ((SECONDS - began >= limit)); then
            say "gave up after $limit s: $text"
            return 1
        fi
        if ((SECONDS - began >= next)); then
            say "  ... $text ($((SECONDS - began)) s)"
            next=$((next + 10))
        fi
    done
}

# remove_folder FOLDER: with all that is in it. Not where something is mounted there: that would be emptied, too.
remove_folder() {
    local folder at
    [ -n "${1:-}" ] || die "remove_folder: which one?"
    folder=$(realpath -m "$1")
    while read -r _ _ _ _ at _; do
        at=$(printf '%b' "$at")
        if [[ $at/ == "$folder"/* ]]; then
            say "$folder is not removed: something is mounted at $at (umount it first)"
            return 1
        fi
    done </proc/self/mountinfo
    rm -rf --one-file-system "$folder"
}

# Field 22 of stat: when the process started. With the id it names a process for good.
process_start() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

# is_running PIDFILE: the file holds "PID START".
is_running() {
    local pid start
    read -r pid start 2>/dev/null <"$1" || return 1
    [ "$(process_start "$pid")" = "$start" ] && [ "$(sed 's/.*) //' "/proc/$pid/stat" | cut -c 1)" != Z ]
}

is_stopped() { ! is_running "$1"; }

# start_process PIDFILE LOG COMMAND...: in a session of its own, so that a Ctrl-C in the terminal doesn't reach it.
start_process() {
    local pidfile=$1 log=$2 pid
    shift 2
    setsid "$@" >>"$log" 2>&1 </dev/null 9>&- &
    pid=$!
    echo "$pid $(process_start "$pid")" >"$pidfile"
}

# send SIGNAL PID: to its whole group where it leads one.
send() { kill "-$1" -- "-$2" 2>/dev/null || kill "-$1" "$2"; }

# stop_process PIDFILE [SIGNAL]: TERM (or SIGNAL), KILL after 20 s.
stop_process() {
    local pid
    if is_running "$1"; then
        read -r pid _ <"$1"
        send "${2:-TERM}" "$pid" || true
        if ! wait_until 20 "waiting for process $pid to end" is_stopped "$1"; then
            send KILL "$pid" || true
            wait_until 10 "waiting for process $pid to die" is_stopped "$1"
        fi
    fi
    rm -f "$1"
}

# free_ports N: below the range that outgoing connections take theirs from, so that a server can come back on its port.
free_ports() {
    python3 - "$1" <<'PYTHON'
import random, socket, sys

wanted, held = int(sys.argv[1]), []
while len(held) < wanted:
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", random.randrange(20000, 32000)))
        held.append(s)
    except OSError:
        s.close()
print(*[s.getsockname()[1] for s in held])
PYTHON
}

# Maven's own download retries are few; a whole second try costs little, because what came is kept.
maven() {
    local log=$1 text=$2 try
    shift 2
    for try in 1 2 3; do
        with_progress "$text" "$log" mvn -B -Dstyle.color=never -U "$@" && return
        ((try < 3)) && say "trying again"
        sleep 3
    done
    return 1
}
