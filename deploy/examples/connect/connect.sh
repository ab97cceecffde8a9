#!/bin/bash
# connect.sh WORKER.properties CONNECTOR.properties... - Kafka Connect, standalone, with the converter of this folder.
set -euo pipefail
. "$(dirname "$0")/../../lib.sh"
here=$ROOT/deploy/examples/connect
"$ROOT/deploy/examples/fetch.sh" connect
jars=$CACHE/examples/connect/libs
classes=$(mktemp -d)
javac -cp "$jars/*" -d "$classes" "$here/AvroJson.java"
mkdir -p "$classes/META-INF/services"
echo leadclock.AvroJson >"$classes/META-INF/services/org.apache.kafka.connect.storage.Converter"
exec java -Xmx256m -XX:TieredStopAtLevel=1 -Dlog4j.configuration="file:$here/log4j.properties" -cp "$classes:$jars/*" \
    org.apache.kafka.connect.cli.ConnectStandalone "$@"
