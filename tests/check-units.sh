#!/bin/bash
# check-units.sh LEADCLOCK - fails unless systemd takes each unit of deploy/systemd without a word, with the example of
# credentials, calls its exposure 2.0 or lower, the program has the command that it starts, and what that command reads is
# checked before a start and before a reload; with the example of credentials, which systemd does not show to a reload,
# that sends the signal alone.
# check-units.sh --self-test LEADCLOCK - breaks each of these in a copy and fails unless it is found.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
MOST_EXPOSURE=20 # tenths

complain() {
    echo "$*"
    failures=$((failures + 1))
}

# Of a copy in which the program is where it was built, because systemd looks whether it is there.
check_unit() {
    local unit=$1 said command before first
    said=$(systemd-analyze security --offline=true --no-pager --threshold="$MOST_EXPOSURE" "$unit" 2>&1) ||
        complain "${unit##*/}: exposed: $(tail -n 1 <<<"$said")"
    said=$(systemd-analyze verify --man=no "$unit" 2>&1) && [ -z "$said" ] || complain "${unit##*/}: systemd: $said"
    command=$(sed -n 's!^ExecStart=[^ ]* \([a-z]*\).*!\1!p' "$unit")
    { [ -n "$command" ] && "$leadclock" "$command" --help >/dev/null 2>&1; } ||
        complain "${unit##*/}: leadclock has no command \"$command\""
    for before in ExecStartPre ExecReload; do
        first=$(grep -m 1 "^$before=" "$unit" || true)
        [[ "$first " == "$before=$leadclock check --for $command "* ]] ||
            complain "${unit##*/}: $before does not check what \"$command\" reads: $first"
    done
}

# FILE...: what is done for a reload by a unit and its drop-ins. An empty line takes away what came before it.
reload_by() { sed -n 's/^ExecReload=//p' "$@" | awk '{ all = $0 == "" ? "" : all $0 "\n" } END { printf "%s", all }'; }

check_credentials() {
    local done_by
    done_by=$(reload_by "$1/leadclock.service" "$1/credentials.conf")
    [ "$done_by" = "/bin/sh -c 'kill -HUP \$MAINPID'" ] || complain "credentials.conf: a reload sees none, and is: $done_by"
}

check() {
    local unit count=0
    failures=0 scratch=$(mktemp -d)
    for unit in "$1"/*.service; do
        sed "s!/usr/bin/leadclock!$leadclock!" "$unit" >"$scratch/${unit##*/}"
        count=$((count + 1))
    done
    mkdir "$scratch/leadclock.service.d"
    cp "$1/credentials.conf" "$scratch/leadclock.service.d"
    for unit in "$scratch"/*.service; do
        check_unit "$unit"
    done
    rm -rf "$scratch"
    check_credentials "$1"
    ((count >= 4)) || complain "only $count units were found"
    echo "$count units, $failures complaints"
    ((failures == 0))
}

# broken SAYS FILE SED
broken() {
    local copy
    copy=$(mktemp -d)
    cp "$root"/deploy/systemd/* "$copy"
    sed -i "$3" "$copy/$2"
    if (check "$copy") >"$copy/said" 2>&1 || ! grep -qF -- "$1" "$copy/said"; then
        echo "not found: $*: $(cat "$copy/said")"
        exit 1
    fi
    rm -rf "$copy"
}

if [ "$1" = --self-test ]; then
    leadclock=$2
    broken "exposed: " leadclock.service '/^SystemCallFilter\|^DynamicUser\|^PrivateUsers/d'
    broken "systemd: " leadclock.service 's/^WatchdogSec=/WatchDog=/'
    broken "systemd: " credentials.conf 's/^LoadCredential=redis/LoadCredentials=redis/'
    broken "has no command" leadclock.service 's!^ExecStart=.*!ExecStart=/bin/true!'
    broken "has no command" leadclock.service 's!leadclock run!leadclock runn!'
    broken "ExecStartPre does not check" leadclock-alert.service 's!check --for alert!check --for run!'
    broken "ExecReload does not check" leadclock-ingest.service '/^ExecReload=.*check/d'
    broken "a reload sees none, and is: " credentials.conf '/^ExecReload=$/d'
    broken "a reload sees none, and is: " credentials.conf '/^ExecReload=.*kill/d'
    echo "each was found"
else
    leadclock=$1
    check "$root/deploy/systemd"
fi
