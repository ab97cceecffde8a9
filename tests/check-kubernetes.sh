#!/bin/bash
# check-kubernetes.sh LEADCLOCK [SCRATCH] - has kubernetes-validate (pip, kept in SCRATCH) hold each manifest of
# deploy/kubernetes against the schemas of Kubernetes' API, leadclock check the configuration in them, and docker-compose
# read deploy/compose.yaml, in which all programs are, whose doors only this machine reaches, and whose secrets the image's user
# can read and strangers can't. NetworkPolicies choose our pods, all of them and no others. The configurations of Prometheus and
# Alertmanager by promtool and amtool.
# check-kubernetes.sh --monitor LEADCLOCK [SCRATCH] - the same of the ServiceMonitor, which is no part of that API, by what npm
# brings. --example: of what the example makes of the manifests, by kubectl. Exit code 77: there is no npm, or no kubectl.
# check-kubernetes.sh --self-test LEADCLOCK [SCRATCH] - breaks some of it in a copy and fails unless it is found.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
versions=(1.28 1.32 1.37)
. "$root/tests/npm.sh"
npm_packages=(@kubernetes-models/prometheus-operator@6.0.0 yaml@2.9.1)

complain() {
    echo "$*"
    failures=$((failures + 1))
}

bring_validators() {
    if [ ! -x "$scratch/python/bin/kubernetes-validate" ]; then
        python3 -m venv "$scratch/python"
        "$scratch/python/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0 || {
            echo "skipped: PyPI gives no kubernetes-validate"
            exit 77
        }
    fi
}

bring_monitors() {
    bring_npm || return
    [ -d "$scratch/node_modules" ] ||
        npm install --silent --no-fund --no-audit --prefix "$scratch" "${npm_packages[@]}" >/dev/null || {
        rm -rf "$scratch/node_modules"
        echo "npm's registry gives no ${npm_packages[*]}" && return 1
    }
}

# FILE...: each against each version.
validate() {
    local version said
    for version in "${versions[@]}"; do
        said=$("$scratch/python/bin/kubernetes-validate" --strict --quiet --no-warn -k "$version" "$@" 2>&1) ||
            complain "Kubernetes $version: $said"
    done
}

# FOLDER: of deploy.
check_monitor() {
    cat >"$scratch/monitor.mjs" <<'END'
import fs from "fs";
import YAML from "yaml";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";
new ServiceMonitor(YAML.parse(fs.readFileSync(process.argv[2], "utf8"))).validate();
END
    node "$scratch/monitor.mjs" "$1/kubernetes/base/servicemonitor.yaml" >"$scratch/said" 2>&1 || complain "ServiceMonitor: $(grep -m 1 ValidationError: "$scratch/said")"
}

# FILE...: the NetworkPolicies that choose more than our pods, and so cut off other programs of the namespace, and the pods of
# ours that they leave out. Labels that a kustomization gives to templates are the pods'. Fails where there is none to look at.
list_wrongly_chosen() {
    "$scratch/python/bin/python" - "$@" <<'END'
import sys
import yaml

documents = []
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        documents += [document for document in yaml.safe_load_all(file) if document]
given = {}
for one in documents:
    for labels in one.get("labels", []) if one["kind"] == "Kustomization" else []:
        given |= labels["pairs"] if labels.get("includeTemplates") else {}
pods = {one["metadata"]["name"]: one["spec"]["template"]["metadata"].get("labels", {}) | given
        for one in documents if "template" in one.get("spec", {})}
policies = [one for one in documents if one["kind"] == "NetworkPolicy"]
for policy in policies:
    chosen = policy["spec"]["podSelector"].get("matchLabels", {})
    if "app.kubernetes.io/name" not in chosen:
        print(policy["metadata"]["name"], "is for pods of others, too")
    for pod, labels in pods.items():
        if not chosen.items() <= labels.items():
            print(policy["metadata"]["name"], "leaves out the pods of", pod)
sys.exit(not (pods and policies))
END
}

# FILE...
check_policies() {
    list_wrongly_chosen "$@" >"$scratch/said" 2>&1 || complain "NetworkPolicy: none was looked at: $(cat "$scratch/said")"
    [ ! -s "$scratch/said" ] || complain "NetworkPolicy: $(cat "$scratch/said")"
}

# What docker-compose has made of ports, however they are written: each service and port that others than this machine reach.
# Fails where there are none at all, because then nothing was looked at.
list_open_ports() {
    "$scratch/python/bin/python" - "$scratch/composed" <<'END'
import sys
import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    services = yaml.safe_load(file).get("services", {})
seen = 0
for name, service in services.items():
    if service.get("network_mode") == "host":
        print(name, "network_mode: host")
    for port in service.get("ports", []):
        seen += 1
        host = port.get("host_ip", "") if isinstance(port, dict) else str(port).rpartition(":")[0].rpartition(":")[0]
        if host not in ("127.0.0.1", "[::1]", "::1"):
            print(name, port)
sys.exit(seen == 0)
END
}

# USER COMMAND...
as_user() { setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"; }

# FOLDER: what make-secrets.sh makes for who is no root: the image's user can read the files, which a container is
# handed without their folder (here by links), and nobody else comes to them.
check_secrets_of_others() {
    local made=$scratch/plain name
    [ "$(id -u)" = 0 ] || { echo "not root: what make-secrets.sh makes for another was not looked at"; return; }
    rm -rf "$made"
    mkdir -p "$made/handed"
    chmod 755 "$made" "$made/handed"
    cp "$1/compose/make-secrets.sh" "$made"
    chown 1000:1000 "$made"
    (cd "$made" && as_user 1000 ./make-secrets.sh secrets) >"$scratch/said" 2>&1 || complain "compose: make-secrets.sh: $(cat "$scratch/said")"
    grep -q "As root" "$scratch/said" || complain "compose: make-secrets.sh does not say what it would do as root"
    for name in ingest-token dashboard-password; do
        ln "$made/secrets/$name" "$made/handed"
        (cd "$made/handed" && as_user 65532 test -s "$name" -a -r "$name") || complain "compose: the image's user can't read $name"
        ! (cd "$made" && as_user 65531 cat "secrets/$name") 2>/dev/null | grep -q . || complain "compose: strangers read $name"
    done
}

# FOLDER: of deploy. The secrets are where make-secrets.sh puts them, which are hard to guess, and nobody else's.
check_compose() {
    local command secrets=$scratch/secrets
    docker-compose -f "$1/compose.yaml" config >"$scratch/composed" 2>"$scratch/said" || complain "compose: $(cat "$scratch/said")"
    rm -rf "$secrets"
    "$1/compose/make-secrets.sh" "$secrets" 2>/dev/null
    [ "$(id -u)" != 0 ] || [ "$(stat -c %a:%u "$secrets"/* | sort -u)" = 600:65532 ] ||
        complain "compose: others than the image's user may read the secrets"
    [ "$(sort -u "$secrets"/* | wc -l)" = 2 ] || complain "compose: the secrets are the same"
    check_secrets_of_others "$1"
    mkdir -p "$scratch/composing"
    cp "$1/kubernetes/base/config/policy.yaml" "$scratch/composing"
    sed "s!/run/secrets!$secrets!" "$1/compose/leadclock.yaml" >"$scratch/composing/leadclock.yaml"
    for command in run ingest alert dashboard; do
        grep -A 1 'command:' "$scratch/composed" | grep -qx -- " *- $command" || complain "compose: $command is not there"
        "$leadclock" check --config "$scratch/composing/leadclock.yaml" --for "$command" >"$scratch/said" 2>&1 ||
            complain "compose, $command: $(cat "$scratch/said")"
    done
    list_open_ports >"$scratch/said" 2>&1 || complain "compose: no ports were looked at $(cat "$scratch/said")"
    [ ! -s "$scratch/said" ] || complain "compose: others reach $(cat "$scratch/said")"
    sed "s!/etc/prometheus/rules.yml!$1/prometheus/rules.yml!" "$1/compose/prometheus.yml" >"$scratch/prometheus.yml"
    promtool check config "$scratch/prometheus.yml" >"$scratch/said" 2>&1 || complain "compose, Prometheus: $(cat "$scratch/said")"
    amtool check-config "$1/compose/alertmanager.yml" >"$scratch/said" 2>&1 || complain "compose, Alertmanager: $(cat "$scratch/said")"
}

# FOLDER: of deploy.
check_manifests() {
    local folder=$1/kubernetes file count=0 manifests=()
    for file in "$folder"/base/*.yaml; do
        case $file in
        */kustomization.yaml) continue ;;
        */servicemonitor.yaml) ;;
        *) manifests+=("$file") ;;
        esac
        grep -qF -- "- ${file##*/}" "$folder/base/kustomization.yaml" || complain "the kustomization leaves out ${file##*/}"
        count=$((count + 1))
    done
    validate "${manifests[@]}"
    check_policies "$folder"/base/*.yaml
    ((count == 8)) || complain "$count manifests were found, not 8"
    "$leadclock" check --config "$folder/base/config/leadclock.yaml" >"$scratch/said" 2>&1 ||
        complain "the configuration: $(cat "$scratch/said")"
    # Liveness must not follow from servers: only /livez says no such thing.
    for file in statefulset dashboard; do
        [ "$(sed -n '/livenessProbe/,/period/s/.*path: \([a-z/]*\),.*/\1/p' "$folder/base/$file.yaml")" = /livez ] ||
            complain "$file: liveness is not /livez"
    done
    echo "$count manifests"
}

# FOLDER: of deploy.
check_example() {
    local made=$scratch/made.yaml
    kubectl kustomize "$1/kubernetes/overlays/example" >"$made" || complain "kustomize refuses the example"
    validate "$made"
    check_policies "$made"
    [ "$(grep -c 'image: registry.example/leadclock:' "$made")" = 3 ] || complain "the image was not replaced"
}

# FOLDER PART...: of deploy.
check() {
    local part
    failures=0
    for part in "${@:2}"; do
        "check_$part" "$1"
    done
    echo "$failures complaints"
    ((failures == 0))
}

# broken SAYS FILE SED
broken() {
    local copy=$scratch/copy part=manifests
    case $2 in
    compose*) part=compose ;;
    */servicemonitor.yaml) part=monitor ;;
    */overlays/*) part=example ;;
    esac
    rm -rf "$copy" && cp -r "$root/deploy" "$copy"
    sed -i "$3" "$copy/$2"
    cmp -s "$copy/$2" "$root/deploy/$2" && { echo "nothing was changed: $*"; exit 1; }
    if (check "$copy" $part) >"$scratch/all-said" 2>&1 || ! grep -qF -- "$1" "$scratch/all-said"; then
        echo "not found: $*: $(cat "$scratch/all-said")"
        exit 1
    fi
}

what=all
[[ $1 != --* ]] || { what=${1#--} && shift; }
leadclock=$1
scratch=$(realpath -m "${2:-$(mktemp -d)}")
mkdir -p "$scratch"
bring_validators
case $what in
monitor)
    bring_monitors || { echo "skipped: the ServiceMonitor was not looked at" && exit 77; }
    check "$root/deploy" monitor
    ;;
example)
    command -v kubectl >/dev/null || { echo "skipped: no kubectl is here" && exit 77; }
    check "$root/deploy" example
    ;;
self-test)
    broken "Kubernetes 1.32: " kubernetes/base/statefulset.yaml 's/terminationGracePeriodSeconds: 30/terminationGracePeriod: 30/'
    broken "networkpolicy.yaml" kubernetes/base/networkpolicy.yaml 's/policyTypes: .*/policyTypes: Ingress/'
    broken "is for pods of others, too" kubernetes/base/networkpolicy.yaml 's/podSelector: .*/podSelector: {}/'
    broken "leaves out the pods of leadclock-dashboard" kubernetes/base/networkpolicy.yaml 's/name: leadclock}/name: other}/'
    broken "leaves out the pods of leadclock-dashboard" kubernetes/base/kustomization.yaml '/includeTemplates/d'
    broken "liveness is not /livez" kubernetes/base/statefulset.yaml 's!path: /livez!path: /readyz!'
    broken "the configuration: " kubernetes/base/config/leadclock.yaml 's/^workers:/worker:/'
    broken "leaves out service.yaml" kubernetes/base/kustomization.yaml '/- service.yaml/d'
    ! bring_monitors || broken "ServiceMonitor: " kubernetes/base/servicemonitor.yaml 's/interval: 15s/interval: soon/'
    ! command -v kubectl >/dev/null ||
        broken "the image was not replaced" kubernetes/overlays/example/kustomization.yaml 's/{name: leadclock, newName/{name: other, newName/'
    broken "compose: " compose.yaml 's/^services:/service:/'
    broken "compose: dashboard is not there" compose.yaml 's/\[dashboard, --config/[watch, --config/'
    broken "compose: others reach ingest" compose.yaml 's/"127.0.0.1:9466:9466"/"9466:9466"/'
    broken "compose: others reach ingest" compose.yaml 's/\["127.0.0.1:9466:9466"\]/\n      - "0.0.0.0:9466:9466"/'
    broken "compose: others reach dashboard" compose.yaml 's/\["127.0.0.1:9465:9465"\]/\n      - target: 9465\n        published: 9465/'
    broken "compose: others reach alert" compose.yaml 's/^  alert:/&\n    network_mode: host/'
    broken "compose: no ports were looked at" compose.yaml 's/ports: .*/expose: ["1"]/'
    if [ "$(id -u)" = 0 ]; then
        broken "compose: others than the image's user" compose/make-secrets.sh 's/chmod 600/chmod 644/'
        broken "compose: others than the image's user" compose/make-secrets.sh 's/chown 65532:65532/true/'
        broken "compose: the image's user can't read ingest-token" compose/make-secrets.sh 's/chmod 444/chmod 400/'
        broken "compose: strangers read dashboard-password" compose/make-secrets.sh 's/chmod 700/chmod 755/'
    fi
    broken "compose, ingest: " compose/leadclock.yaml '/token_files/d'
    broken "compose, Prometheus: " compose/prometheus.yml 's/scrape_configs/scrape_config/'
    broken "compose, Alertmanager: " compose/alertmanager.yml 's/name: nobody/name: somebody/'
    echo "each was found"
    ;;
all) check "$root/deploy" manifests compose ;;
*) echo "what is --$what?" && exit 2 ;;
esac
