#!/bin/bash
# check-asyncapi.sh LEADCLOCK SCRATCH - has AsyncAPI's own parser (npm, kept in SCRATCH) read what `leadclock topics
# --asyncapi` makes, of the defaults and of a configuration with other names; neither errors nor warnings are allowed.
# check-asyncapi.sh --same LEADCLOCK - fails unless schemas/asyncapi.json is what it makes of the defaults.
# check-asyncapi.sh --self-test LEADCLOCK SCRATCH - breaks some of it and fails unless the parser finds it.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
packages=(@asyncapi/parser@3.6.0 @asyncapi/avro-schema-parser@3.0.24)

if [ "$1" = --same ]; then
    diff -u "$root/schemas/asyncapi.json" <("$2" topics --asyncapi) && exit
    echo "schemas/asyncapi.json is out of date: build/dev/leadclock topics --asyncapi >schemas/asyncapi.json"
    exit 1
fi
self_test=false
[ "$1" != --self-test ] || { self_test=true && shift; }
leadclock=$1 scratch=$2

. "$root/tests/npm.sh"
bring_npm || { echo "skipped: AsyncAPI's parser did not read it" && exit 77; }
mkdir -p "$scratch"
if [ "$(cat "$scratch/brought" 2>/dev/null)" != "${packages[*]}" ]; then
    npm install --silent --no-fund --no-audit --prefix "$scratch" "${packages[@]}" >"$scratch/npm.log" 2>&1 || {
        echo "skipped: npm's registry gives no ${packages[*]}"
        exit 77
    }
    echo "${packages[*]}" >"$scratch/brought"
fi
cat >"$scratch/parse.mjs" <<'END'
import fs from "fs";
import { Parser } from "@asyncapi/parser";
import { AvroSchemaParser } from "@asyncapi/avro-schema-parser";
const parser = new Parser();
parser.registerSchemaParser(AvroSchemaParser());
const { document, diagnostics } = await parser.parse(fs.readFileSync(process.argv[2], "utf8"));
// 0 errors, 1 warnings; what is below says what could be added.
const wrong = diagnostics.filter(one => one.severity <= 1);
for (const one of wrong) console.log(`${one.path.join("/")}: ${one.message}`);
if (document) console.log(`${document.channels().length} channels, ${document.messages().length} messages`);
process.exit(document && wrong.length === 0 ? 0 : 1);
END
parse() { node "$scratch/parse.mjs" "$1"; }

# broken SAYS SED
broken() {
    sed "$2" "$scratch/defaults.json" >"$scratch/broken.json"
    cmp -s "$scratch/broken.json" "$scratch/defaults.json" && { echo "nothing was changed: $*" && exit 1; }
    if parse "$scratch/broken.json" >"$scratch/said" || ! grep -q -- "$1" "$scratch/said"; then
        echo "not found: $*: $(cat "$scratch/said")"
        exit 1
    fi
}

"$leadclock" topics --asyncapi >"$scratch/defaults.json"
if $self_test; then
    broken operations '0,/"action": "receive"/s//"action": "read"/'
    broken channels '0,/"address": /s//"adress": /'
    broken . 's!#/components/messages/LeadCreated"!#/components/messages/LeadMade"!'
    broken . '0,/"type": "record"/s//"type": "recard"/'
    echo "each was found"
    exit
fi
parse "$scratch/defaults.json"
"$leadclock" topics --asyncapi --set topics.prefix=eu. --set topics.inputs=facts --set tables.publish=cycles,routes \
    --set topics.headers=none --set kafka.brokers=one:9093,two:9093 --set kafka.properties.security.protocol=SSL \
    >"$scratch/others.json"
parse "$scratch/others.json"
jq -e '(.channels | keys) == (["eu.facts", "eu.leads.breaches", "eu.leads.warnings", "eu.leads.clawbacks", "eu.leads.routed",
        "eu.leads.settled", "eu.leads.counters", "eu.leads.state", "eu.leads.dead-letters", "eu.leads.tables.cycles",
        "eu.leads.tables.routes"] | sort)
    and (.channels["eu.facts"].messages | length) == 9
    and [.servers[] | .protocol] == ["kafka-secure", "kafka-secure"]
    and .components.messages.SlaBreached.headers == null' "$scratch/others.json" >/dev/null ||
    { echo "it is not of this configuration" && exit 1; }
