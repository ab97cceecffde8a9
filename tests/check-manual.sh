#!/bin/bash
# check-manual.sh FOLDER LEADCLOCK - fails unless the manual pages in FOLDER have every command, every option of --help and
# every key of the configuration, and neither mandoc nor groff has anything to say of them; and unless what bash and zsh
# complete by can be read by them, and offers the same.
# check-manual.sh --self-test FOLDER LEADCLOCK - breaks each of these in a copy and fails unless it is found.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

complain() {
    echo "$*"
    failures=$((failures + 1))
}

# Of a page as people read it, in one line.
plain() { mandoc -T utf8 -O width=300 "$1" | col -b | tr -s ' \n' ' '; }

commands() { "$leadclock" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'; }
options() { "$leadclock" "$1" --help | grep -oE '^  (-., )?--[a-z-]+' | grep -oE -- '--?[a-z-]+'; }
# shellcheck disable=SC2016  # backquotes of Markdown
keys() { sed -n 's/^| `\([a-z._]*\)` |.*/\1/p' "$root/docs/configuration.md"; }

# What bash offers for these words, of which the last is being written.
bash_offers() {
    bash --norc -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _leadclock; printf "%s\n" "${COMPREPLY[@]}"' \
        - "$folder/leadclock.bash" "$@"
}

# What zsh hands to its own helpers for these words, an argument a line.
zsh_offers() {
    zsh -fc 'folder=$1; shift; words=("$@"); CURRENT=$#
             _arguments() { print -rl -- "$@" }; _describe() { print -rl -- "${(@P)2}" }
             . "$folder/_leadclock"' - "$folder" "$@"
}

# offers WHAT WORD...: what does not begin with the last word is not to be offered.
offers() { bash_offers "${@:2}" | grep -xF -- "$1" >/dev/null || complain "bash does not offer $1 for: ${*:2}"; }

check_page() {
    local said
    said=$(mandoc -T lint -W warning "$1" 2>&1) || complain "mandoc: $said"
    said=$(groff -man -Tutf8 -ww -z "$1" 2>&1) && [ -z "$said" ] || complain "groff: $said"
}

check_command() {
    local page=$folder/leadclock-$1.1 text option zsh
    if [ ! -e "$page" ]; then
        complain "leadclock $1 has no page"
        return
    fi
    text=$(plain "$page")
    zsh=$(zsh_offers leadclock "$1" '' 2>&1)
    [[ $(zsh_offers leadclock '' 2>&1) == *"$1:"* ]] || complain "zsh does not offer $1"
    [[ $(plain "$folder/leadclock.1") == *"leadclock-$1(1)"* ]] || complain "leadclock.1 does not name leadclock-$1"
    offers "$1" leadclock "${1:0:1}"
    for option in $(options "$1"); do
        [[ $text == *" $option"[\ =,]* ]] || complain "leadclock-$1.1 does not tell of $option"
        [[ $option != --* ]] || offers "$option" leadclock "$1" "${option:0:3}"
        [[ $zsh == *"$option"[+=[]* ]] || complain "zsh does not offer $option"
    done
}

check() {
    folder=$1 failures=0
    local page command key text count=0
    for page in "$folder"/*.[15]; do
        check_page "$page"
    done
    for command in $(commands); do
        check_command "$command"
        count=$((count + 1))
    done
    text=$(plain "$folder/leadclock.yaml.5")
    for key in $(keys); do
        [[ $text == *" $key "* ]] || complain "leadclock.yaml.5 does not tell of $key"
        count=$((count + 1))
    done
    ((count > 40)) || complain "only $count commands and keys were found"
    bash -n "$folder/leadclock.bash" || complain "bash can't read leadclock.bash"
    zsh -n "$folder/_leadclock" || complain "zsh can't read _leadclock"
    offers "kafka.brokers=" leadclock run --set kafka.b
    offers "$folder/leadclock.1" leadclock run --config "$folder/leadclock.1"
    offers "$folder/leadclock.1" leadclock run --config = "$folder/leadclock.1"
    offers cycles leadclock tables cy
    [ -z "$(bash_offers leadclock verify --limit '')" ] || complain "bash offers something for a number"
    echo "$count commands and keys, $failures complaints"
    ((failures == 0))
}

# broken SAYS FILE SED: the file changed by SED must be refused for this reason.
broken() {
    rm -rf "$copy" && cp -r "$original" "$copy"
    sed -i "$3" "$copy/$2"
    cmp -s "$original/$2" "$copy/$2" && { echo "nothing was changed: $*"; exit 1; }
    if (check "$copy") >"$copy.said" 2>&1 || ! grep -qF -- "$1" "$copy.said"; then
        echo "not found: $*"
        exit 1
    fi
}

self_test() {
    original=$1
    scratch=$(mktemp -d)
    copy=$scratch/copy
    trap 'rm -rf "$scratch"' EXIT
    broken "leadclock-run.1 does not tell of --accept-policy-change" leadclock-run.1 '/accept/d'
    broken "leadclock.yaml.5 does not tell of batch.linger" leadclock.yaml.5 '/batch.linger/d'
    broken "leadclock.1 does not name leadclock-verify" leadclock.1 '/leadclock..verify/d'
    broken "mandoc: " leadclock-topics.1 's/^.SH OPTIONS/.SHH OPTIONS/; s/^.SH "OPTIONS"/.SHH/'
    broken "bash does not offer --dry-run" leadclock.bash 's/--dry-run//'
    broken "zsh does not offer --pretty" _leadclock '/--pretty/d'
    broken "zsh can't read" _leadclock 's/^esac//'
    echo "each was found"
}

if [ "$1" = --self-test ]; then
    leadclock=$3
    self_test "$2"
else
    leadclock=$2
    check "$1"
fi
