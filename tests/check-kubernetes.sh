#!/bin/bash
# check-kubernetes.sh LEADCLOCK [SCRATCH] - has kubernetes-validate (pip, kept in SCRATCH) hold each manifest of
# deploy/kubernetes against the schemas of Kubernetes' API, leadclock check the configuration in them, and docker-compose
# read deploy/compose.yaml; the same of what the example makes of them where kubectl is installed, and of the
# ServiceMonitor, which is no part of that API, where npm is.
# check-kubernetes.sh --self-test LEADCLOCK [SCRATCH] - breaks some of it in a copy and fails unless it is found.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
versions=(1.28 1.32 1.37)
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
    if command -v npm >/dev/null && [ ! -d "$scratch/node_modules" ]; then
        mkdir -p "$scratch/npm"
        npm install --silent --no-fund --no-audit --prefix "$scratch" "${npm_packages[@]}" >/dev/null || rm -rf "$scratch/node_modules"
    fi
}

# FILE...: each against each version.
validate() {
    local version said
    for version in "${versions[@]}"; do
        said=$("$scratch/python/bin/kubernetes-validate" --strict --quiet --no-warn -k "$version" "$@" 2>&1) ||
            complain "Kubernetes $version: $said"
    done
}

validate_monitor() {
    [ -d "$scratch/node_modules" ] || return 0
    cat >"$scratch/monitor.mjs" <<'END'
import fs from "fs";
import YAML from "yaml";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";
new ServiceMonitor(YAML.parse(fs.readFileSync(process.argv[2], "utf8"))).validate();
END
    node "$scratch/monitor.mjs" "$1" >"$scratch/said" 2>&1 || complain "ServiceMonitor: $(grep -m 1 ValidationError: "$scratch/said")"
}

check() {
    local folder=$1 file count=0 manifests=()
    failures=0
    for file in "$folder"/base/*.yaml; do
        case $file in
        */kustomization.yaml) continue ;;
        */servicemonitor.yaml) validate_monitor "$file" ;;
        *) manifests+=("$file") ;;
        esac
        grep -qF -- "- ${file##*/}" "$folder/base/kustomization.yaml" || complain "the kustomization leaves out ${file##*/}"
        count=$((count + 1))
    done
    validate "${manifests[@]}"
    ((count == 6)) || complain "$count manifests were found, not 6"
    "$leadclock" check --config "$folder/base/config/leadclock.yaml" >"$scratch/said" 2>&1 ||
        complain "the configuration: $(cat "$scratch/said")"
    # Liveness must not follow from servers: only /livez says no such thing.
    [ "$(sed -n '/livenessProbe/,/period/s/.*path: \([a-z/]*\),.*/\1/p' "$folder/base/statefulset.yaml")" = /livez ] ||
        complain "liveness is not /livez"
    if command -v kubectl >/dev/null; then
        kubectl kustomize "$folder/overlays/example" >"$scratch/made.yaml" || complain "kustomize refuses the example"
        validate "$scratch/made.yaml"
        [ "$(grep -c 'image: registry.example/leadclock:' "$scratch/made.yaml")" = 2 ] || complain "the image was not replaced"
    else
        echo "no kubectl here: what kustomize makes of the example was not looked at"
    fi
    docker-compose -f "$root/deploy/compose.yaml" config -q >"$scratch/said" 2>&1 || complain "compose: $(cat "$scratch/said")"
    echo "$count manifests, $failures complaints"
    ((failures == 0))
}

# broken SAYS FILE SED
broken() {
    local copy=$scratch/copy
    rm -rf "$copy" && cp -r "$root/deploy/kubernetes" "$copy"
    sed -i "$3" "$copy/base/$2"
    cmp -s "$copy/base/$2" "$root/deploy/kubernetes/base/$2" && { echo "nothing was changed: $*"; exit 1; }
    if (check "$copy") >"$scratch/all-said" 2>&1 || ! grep -qF -- "$1" "$scratch/all-said"; then
        echo "not found: $*: $(cat "$scratch/all-said")"
        exit 1
    fi
}

self_test=false
[ "$1" != --self-test ] || { self_test=true && shift; }
leadclock=$1
scratch=${2:-$(mktemp -d)}
mkdir -p "$scratch"
bring_validators
if $self_test; then
    broken "Kubernetes 1.32: " statefulset.yaml 's/terminationGracePeriodSeconds: 30/terminationGracePeriod: 30/'
    broken "networkpolicy.yaml" networkpolicy.yaml 's/policyTypes: .*/policyTypes: Ingress/'
    broken "liveness is not /livez" statefulset.yaml 's!path: /livez!path: /readyz!'
    broken "the configuration: " config/leadclock.yaml 's/^workers:/worker:/'
    broken "leaves out service.yaml" kustomization.yaml '/- service.yaml/d'
    [ ! -d "$scratch/node_modules" ] || broken "ServiceMonitor: " servicemonitor.yaml 's/interval: 15s/interval: soon/'
    echo "each was found"
else
    check "$root/deploy/kubernetes"
fi
