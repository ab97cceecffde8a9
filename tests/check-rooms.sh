#!/bin/bash
# check-rooms.sh [FOLDER] - fails when an include goes the wrong way (the table below is that of the architecture), two
# files of a room with many need each other, a name means two things, or a file does not say what it is for or is too long.
# check-rooms.sh --self-test - plants each of these in a copy and fails unless it is found, for its reason.
set -euo pipefail

# Words that every room may use; headers only.
everyone="base record text"
# Which doors (include/leadclock/X.h) a room may use beside these and its own, and which libraries beside GLib and libc.
declare -A doors=(
    [calendar]=""
    [yaml]=""
    [policy]="calendar yaml"
    [core]="calendar policy"
    [codec]="calendar core"
    [http]="http_client"
    [registry]="http_client"
    [service]="yaml"
    [engine]="calendar policy core codec registry log store"
    [kafka]="log"
    [redis]="store"
    [health]="calendar policy core codec engine service http log store registry"
    [tables]="calendar policy core codec registry kafka log"
    [alert]="calendar policy core codec registry kafka log tables service http http_client"
    [report]="calendar policy core codec"
    [backtest]="calendar policy core codec report"
    [dashboard]="calendar policy core codec registry kafka log report tables service http http_client"
    [ingest]="calendar policy core codec registry service http kafka log"
    [cli]="calendar policy core codec registry service http ingest engine health backtest report tables alert dashboard http_client kafka redis log store"
    [base]=""
    [text]=""
    [record]=""
    [log]="" # the ports: doors without a room
    [store]=""
    [http_client]="" # the other door of http
    [main]="cli"
)
declare -A libraries=(
    [calendar]="libical"
    [yaml]="libfyaml"
    [core]="nettle" # SHA-1, for the ids of outcomes
    [codec]="jansson zlib snappy zstd"
    [http]="microhttpd nettle curl"
    [registry]="jansson"
    [kafka]="librdkafka"
    [redis]="hiredis openssl" # where hiredis has TLS
    [ingest]="nettle" # SHA-256, for tokens
    [alert]="jansson"
    [dashboard]="nettle" # SHA-256, for passwords
    [cli]="jansson"
)
# What would make a pure room impure.
pure=" calendar core codec "
impure='^(time|unistd|fcntl|dirent|poll|pthread|threads|signal|sys/.*|gio/.*)\.h$'
known_libraries="libical libfyaml nettle openssl avro jansson zlib snappy zstd curl microhttpd librdkafka hiredis cmocka"
system_header='^([a-z0-9_]+|sys/[a-z]+|net/[a-z]+|netinet/[a-z]+|arpa/[a-z]+|glib/[a-z]+|gio/[a-z]+|sanitizer/[a-z_]+)\.h$'

# Who may see the inside of a room besides itself: FOLDER of tests -> room. The simulator drives the engine's own code.
declare -A insiders=([tests/sim]="engine")
# Rooms in which no two files may need each other.
layered="core engine"

has() { [[ " $1 " == *" $2 "* ]]; }

# Sets `room`: that of a file of include/ or src/.
find_room() {
    room=${1#"$root"/}
    case $room in
    src/main.c) room=main ;;
    src/*/*) room=${room#src/} room=${room%%/*} ;;
    include/leadclock/*.h) room=${room##*/} room=${room%.h} ;;
    *) room="" ;;
    esac
}

# Sets `library`: that of a header, or nothing.
find_library() {
    for library in $known_libraries; do
        [[ $1 == "$library"/* || $1 == "$library".h || $1 == "$library"[-_]*.h ]] && return
    done
    library=""
}

complain() {
    echo "${1#"$root"/}:$2: $3"
    failures=$((failures + 1))
}

check_include() {
    local file=$1 line=$2 text=$3 room target library
    find_room "$file"
    if [[ -z $room || -z ${doors[$room]+known} ]]; then
        complain "$file" "$line" "no such room: \"$room\" is not in the table of tests/check-rooms.sh"
    elif [[ $text =~ ^\"(.*)\"$ ]]; then
        target=${BASH_REMATCH[1]}
        if [[ $file == */include/* || $target == */* || ! -e ${file%/*}/$target ]]; then
            complain "$file" "$line" "\"$target\" is not of this room; go through its door, <leadclock/ROOM.h>"
        fi
    elif [[ $text =~ ^\<leadclock/(.*)\.h\>$ ]]; then
        target=${BASH_REMATCH[1]}
        if [[ $target != "$room" ]] && ! has "$everyone ${doors[$room]}" "$target"; then
            complain "$file" "$line" "$room may not use $target (it may use: ${doors[$room]:-nothing but GLib})"
        fi
    elif [[ $text =~ ^\<(.*)\>$ ]]; then
        target=${BASH_REMATCH[1]}
        find_library "$target"
        if [[ -n $library && $file == */include/* ]]; then
            complain "$file" "$line" "a door shows nothing of $library"
        elif [[ -n $library ]] && ! has "${libraries[$room]:-}" "$library"; then
            complain "$file" "$line" "$room may not use $library"
        elif [[ -z $library && ! $target =~ $system_header ]]; then
            complain "$file" "$line" "<$target> is of no library that the architecture names"
        elif [[ $pure == *" $room "* && $target =~ $impure ]]; then
            complain "$file" "$line" "$room is pure: no I/O, no clock, no threads, so no <$target>"
        fi
    else
        complain "$file" "$line" "an include this script can't read: $text"
    fi
}

# Of its own folder, of tests/support, or of a room that shows this folder its inside.
check_test_include() {
    local file=$1 line=$2 target=$3 folder=${1%/*} room
    room=${insiders[${folder#"$root"/}]:-}
    [[ $target != */* ]] || complain "$file" "$line" "tests reach in through the doors, never by a path: \"$target\""
    [[ $target == */* || -e $folder/$target || -e $root/tests/support/$target || -e $root/tests/support/memory/$target ||
        (-n $room && -e $root/src/$room/$target) ]] ||
        complain "$file" "$line" "\"$target\" is neither of this folder nor of tests/support; tests reach in through the doors"
}

# A first line is a comment that says in some words what the file is for.
check_first_lines() {
    local file line
    while read -r file; do
        IFS= read -r line <"$file" || true
        [[ $line =~ ^/\*\ .*([a-z]{2,}.*[\ ].*){3} ]] ||
            complain "$file" 1 "the first line is to say what the file is for: /* ${file##*/} - ... */"
    done < <(find "$root/src" "$root/include" "$root/tests" -name '*.[ch]' | sort)
}

# Longer than what is read at once: it is two files.
check_lengths() {
    local lines file
    while read -r lines file; do
        ((lines <= 500)) || complain "$file" "$lines" "more than 500 lines"
    done < <(find "$root/src" -name '*.[ch]' -exec wc -l {} \;)
}

# "NAME ROOM FILE:LINE" of each global function and each type that has a name. The room http has two doors.
list_names() {
    grep -rnHE --include='*.[ch]' '^(typedef (struct|enum|union) \w+ lc_\w+;|\} lc_\w+;|(struct|enum|union) lc_\w+ \{|(extern )?(const )?\w+( |.*\*)lc_\w+\(.*\);|lc_\w+\()' \
        "$root/src" "$root/include" |
        sed -E -n "s!^$root/((src|include/leadclock)/(\w+)[^:]*:[0-9]+):.*\b(lc_\w+)( \{|;|\(.*)\$!\4 \3 \1!p" |
        sed 's/ http_client / http /'
}

# One name means one thing: no two rooms have a function or a type of one name.
check_names() {
    local name place
    while read -r name place; do
        complain "$root/${place%%:*}" "${place##*:}" "$name is a name of another room too"
    done < <(list_names | awk '$1 in room && room[$1] != $2 { print $1, $3 } !($1 in room) { room[$1] = $2 }')
}

# FILE -> the files of its room whose functions it calls; a circle is found by taking away, again and again, what needs
# nothing that is left.
check_circles() {
    local room circle
    for room in $layered; do
        [ -d "$root/src/$room" ] || continue
        circle=$(list_needs "$root/src/$room" | awk '
            { needs[$1, $2] = 1; files[$1]; files[$2] }
            END {
                do {
                    taken = 0
                    for (file in files) {
                        left = 0
                        for (other in files) left += ((file, other) in needs) && file != other
                        if (!left) { delete files[file]; taken = 1; break }
                    }
                } while (taken)
                for (file in files) printf "%s ", file
            }')
        [ -z "$circle" ] || complain "$root/src/$room" 0 "files that need each other, round a circle: $circle"
    done
}

# "FILE OTHER": FILE uses a function that OTHER defines.
list_needs() {
    awk '
        FNR == 1 { file = FILENAME; sub(/.*\//, "", file) }
        pass == 1 && /^lc_[a-z0-9_]+\(/ { name = $0; sub(/\(.*/, "", name); home[name] = file }
        pass == 2 {
            line = $0
            while (match(line, /lc_[a-z0-9_]+/)) {
                name = substr(line, RSTART, RLENGTH)
                if (name in home && home[name] != file) print file, home[name]
                line = substr(line, RSTART + RLENGTH)
            }
        }' pass=1 "$1"/*.c pass=2 "$1"/*.c | sort -u
}

check() {
    root=$1 failures=0
    local file line text count=0
    while IFS=: read -r file line text; do
        [[ $text =~ include[[:space:]]*([\"\<][^\"\>]*[\"\>]) ]] && text=${BASH_REMATCH[1]}
        check_include "$file" "$line" "$text"
        count=$((count + 1))
    done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.[ch]' "$root/src" "$root/include")
    while IFS=: read -r file line text; do
        [[ $text =~ \"([^\"]*)\" ]] && check_test_include "$file" "$line" "${BASH_REMATCH[1]}"
    done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' --include='*.[ch]' "$root/tests" || true)
    check_first_lines
    check_lengths
    check_names
    check_circles
    while IFS=: read -r file line text; do
        complain "$file" "$line" "a pure room reads no clock"
    done < <(grep -rnE '\b(g_get_real_time|g_get_monotonic_time|g_date_time_new_now\w*|clock_gettime|gettimeofday)\b' \
        --include='*.[ch]' "$root/src/core" "$root/src/calendar" "$root/src/codec" 2>/dev/null || true)
    ((count > 0)) || complain "$root/src" 0 "no include found at all"
    echo "$count includes, $failures wrong"
    ((failures == 0))
}

# plant SAYS FILE TEXT [FILE TEXT]: the copy with these lines more must be refused for this reason, and for no other. A new
# file says first what it is for, unless its text does.
plant() {
    local says=$1 file
    local -a lines=("${@:2}")
    rm -rf "$copy/kept" && mkdir "$copy/kept"
    for ((i = 0; i < ${#lines[@]}; i += 2)); do
        file=$copy/${lines[i]}
        mkdir -p "${file%/*}"
        if [ -e "$file" ]; then
            cp "$file" "$copy/kept/$i"
        elif [[ $says != *"first line"* ]]; then
            echo '/* What is planted here is to be found. */' >"$file"
        fi
        printf '%s\n' "${lines[i + 1]}" >>"$file"
    done
    if (check "$copy") >"$copy/said"; then
        echo "not found: ${*:2}"
        missed=$((missed + 1))
    elif [ "$(grep -cvF -- "$says" "$copy/said")" != 1 ]; then # the count at the end
        echo "planted ${*:2}; not just \"$says\" was said: $(cat "$copy/said")"
        missed=$((missed + 1))
    fi
    planted=$((planted + 1))
    for ((i = 0; i < ${#lines[@]}; i += 2)); do
        rm "$copy/${lines[i]}"
        [ ! -e "$copy/kept/$i" ] || mv "$copy/kept/$i" "$copy/${lines[i]}"
    done
}

self_test() {
    copy=$(mktemp -d) missed=0 planted=0
    trap 'rm -rf "$copy"' EXIT
    cp -r "$1/src" "$1/include" "$copy"
    mkdir "$copy/tests"
    cp -r "$1/tests/support" "$1/tests/sim" "$copy/tests"
    check "$copy" >/dev/null || { echo "the tree itself is refused"; return 1; }
    plant 'core may not use codec' src/core/planted.c '#include <leadclock/codec.h>'
    plant 'core is pure' src/core/planted.c '#include <time.h>'
    plant 'reads no clock' src/core/planted.c 'static gint64 now(void) { return g_get_real_time(); }'
    plant 'calendar may not use policy' src/calendar/planted.c '#include <leadclock/policy.h>'
    plant 'policy may not use core' src/policy/planted.c '  #  include  <leadclock/core.h>  // why'
    plant 'engine may not use kafka' src/engine/planted.c '#include <leadclock/kafka.h>'
    plant 'engine may not use librdkafka' src/engine/planted.c '#include <librdkafka/rdkafka.h>'
    plant 'is not of this room' src/engine/planted.c '#include "../core/replay.h"'
    plant 'kafka may not use engine' src/kafka/planted.c '#include <leadclock/engine.h>'
    plant 'redis may not use log' src/redis/planted.c '#include <leadclock/log.h>'
    plant 'cli may not use hiredis' src/cli/planted.c '#include <hiredis/hiredis.h>'
    plant 'is not of this room' src/codec/planted.c '#include "absent.h"'
    plant 'codec may not use nettle' src/codec/planted.c '#include <nettle/sha1.h>'
    plant 'is of no library' src/codec/planted.c '#include <zip.hpp>'
    plant 'no such room' src/attic/planted.c '#include <glib.h>'
    plant 'main may not use engine' src/main.c '#include <leadclock/engine.h>'
    plant 'a door shows nothing of avro' include/leadclock/codec.h '#include <avro.h>'
    plant 'base may not use core' include/leadclock/base.h '#include <leadclock/core.h>'
    plant 'never by a path' tests/planted.c '#include "../src/core/replay.h"'
    plant 'tests reach in through the doors' tests/planted.c '#include "worker.h"'
    plant 'the first line is to say' src/redis/planted.c 'void nothing(void);'
    plant 'the first line is to say' src/redis/planted.c '/* planted.c */'
    plant 'lc_lead_init is a name of another room' src/redis/planted.h 'void lc_lead_init(int one);'
    plant 'lc_lead is a name of another room' src/redis/planted.h 'typedef struct lc_lead lc_lead;'
    plant 'lc_lead_init is a name of another room' src/redis/planted.c 'lc_lead_init(void)'
    plant 'more than 500 lines' src/redis/planted.c "$(yes '' | head -n 500; echo 'static int end;')"
    for room in $layered; do
        plant 'round a circle' "src/$room/planted_one.c" $'lc_planted_one(void)\n{\n    lc_planted_two();\n}' \
            "src/$room/planted_two.c" $'lc_planted_two(void)\n{\n    lc_planted_one();\n}'
    done
    ((missed == 0)) && echo "each of $planted planted wrongs was found, for its reason"
}

here=$(cd "$(dirname "$0")/.." && pwd)
case ${1:-} in
--self-test) self_test "$here" ;;
*) check "${1:-$here}" ;;
esac
