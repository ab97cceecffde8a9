#!/bin/bash
# package.sh [--short|--debian13] - builds the Debian package, has lintian judge it, installs it in a fresh Debian 12, does there
# what docs/operations.md says is to be done then, with a secret in secrets.env, starts what its units start in as much of their
# sandbox as needs no systemd, also with credentials, upgrades it beside a changed configuration, removes and purges it. Needs
# root and apt's servers; the fresh Debian is kept in the cache (~/.cache/leadclock/roots).
# --short: only builds it, has it judged, and unpacks it; a minute at most. --debian13: all of it in Debian 13's, which is
# also compiled in one.
set -euo pipefail
. "$(dirname "$0")/../deploy/lib.sh"
cd "$ROOT"
suite=bookworm
build=$ROOT/build/package
short=false
case ${1:-} in
--short) short=true ;;
--debian13) suite=trixie build=$ROOT/build/package-debian13 ;;
esac

scratch=$(mktemp -d)
root=$scratch/root
trap 'remove_folder "$scratch"' EXIT

# inside COMMAND...: in the fresh Debian, with its own mounts, which end with the command.
inside() {
    # shellcheck disable=SC2016  # the inner shell's
    unshare --mount --pid --fork bash -ec 'mount -t proc proc "$0/proc"; mount -t tmpfs none "$0/tmp"; exec chroot "$0" "$@"' \
        "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

is_there() { [ -e "$root$1" ] || die "after $2: $1 is missing"; }
is_gone() { [ ! -e "$root$1" ] || die "after $2: $1 is still there"; }

build_package() {
    if [ $suite = trixie ]; then
        deploy/package/debian13.sh "$build"
        package=$(echo "$build"/leadclock_*.deb)
        return
    fi
    # What is stripped anyway may come from another folder's cache.
    export CCACHE_NOHASHDIR=1
    rm -f "$build"/*.deb
    mkdir -p "$build"
    with_progress "cmake" "$build/configure.log" cmake --preset release -B "$build" -DBUILD_TESTING=OFF
    with_progress "building the package" "$build/build.log" nice cmake --build "$build" --target package
    package=$(echo "$build"/leadclock_*.deb)
}

judge() {
    say "lintian"
    lintian --allow-root --fail-on error,warning "$1" || die "lintian has something to say"
}

make_root() {
    local kept=$CACHE/roots/$suite.tar
    mkdir -p "${kept%/*}"
    if [ ! -e "$kept" ]; then
        with_progress "making a fresh Debian ($suite)" "$scratch/mmdebstrap.log" \
            mmdebstrap --variant=apt "$suite" "${kept%.tar}.new.tar"
        mv "${kept%.tar}.new.tar" "$kept"
    fi
    mkdir "$root"
    tar -xf "$kept" -C "$root"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
}

# The same package, as of a later day: a version more, and a line more in each file of its configuration.
make_later() {
    dpkg-deb -R "$package" "$scratch/later"
    sed -i 's/^Version: .*/&.1/' "$scratch/later/DEBIAN/control"
    for file in leadclock policy; do
        echo "# Of the later version." >>"$scratch/later/etc/leadclock/$file.yaml"
    done
    (cd "$scratch/later" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | xargs -0 md5sum >DEBIAN/md5sums)
    dpkg-deb --root-owner-group -b "$scratch/later" "$root/later.deb" >/dev/null
}

check_installed() {
    local file
    for file in /usr/share/man/man1/leadclock.1.gz /usr/share/man/man1/leadclock-run.1.gz \
        /usr/share/man/man5/leadclock.yaml.5.gz /usr/share/bash-completion/completions/leadclock \
        /usr/share/zsh/vendor-completions/_leadclock /usr/share/doc/leadclock/operations.md \
        /usr/share/doc/leadclock/copyright /usr/share/doc/leadclock/changelog.Debian.gz \
        /usr/share/doc/leadclock/examples/credentials.conf /usr/share/leadclock/schemas/LeadCreated.avsc \
        /usr/share/leadclock/schemas/tables/CycleRow.avsc /usr/share/leadclock/prometheus/rules.yml \
        /usr/share/leadclock/grafana/leadclock.json /usr/lib/systemd/system/leadclock{,-alert,-dashboard,-ingest}.service; do
        # A minimal Debian may leave manuals and documents out (path-exclude).
        [[ $file == */man/* || $file == */doc/* ]] && grep -rqs path-exclude "$root/etc/dpkg/dpkg.cfg.d" || is_there "$file" "$1"
    done
}

check_install() {
    inside apt-get -qq update
    with_progress "installing" "$scratch/install.log" inside apt-get -y --no-install-recommends install /package.deb
    check_installed installing
    inside leadclock --version | grep -F "leadclock $(dpkg-deb -f "$package" Version | sed 's/-.*//') " >/dev/null ||
        die "leadclock --version says something else"
    inside leadclock check --config /etc/leadclock/leadclock.yaml >/dev/null
    is_gone /etc/systemd/system/multi-user.target.wants/leadclock.service "installing, not enabled"
    # Alerts want to know whom to tell.
    echo 'alert: {alertmanager: {urls: ["http://127.0.0.1:9093"]}}' >>"$root/etc/leadclock/leadclock.yaml"
    follow_steps
    for unit in "$root"/usr/lib/systemd/system/leadclock*.service; do
        python3 -B tests/unit_start.py "$root" "$unit"
    done
    start_with_credentials
}

# What docs/operations.md says after "Nothing is enabled or started", as it stands there; neither systemd nor a server is here.
follow_steps() {
    say "what operations.md says to do, with a secret in secrets.env"
    sed -n '/^\*\*As a Debian package/,/^\*\*Under systemd/p' docs/operations.md | sed -n '/^```sh/,/^```/p' | sed '/^```/d' >"$root/steps"
    grep -q '^systemctl enable --now leadclock$' "$root/steps" || die "operations.md: the steps were not found"
    sed -i 's/^  # properties/  properties/; s/^  #   /    /' "$root/etc/leadclock/leadclock.yaml"
    grep -q '^    sasl.password: ${KAFKA_PASSWORD}$' "$root/etc/leadclock/leadclock.yaml" || die "leadclock.yaml names no password"
    (umask 077 && echo "KAFKA_PASSWORD='a b\$c # \"d\"'" >"$root/etc/leadclock/secrets.env")
    printf '#!/bin/sh\necho "systemctl $*"\n' >"$root/usr/local/bin/systemctl"
    chmod 755 "$root/usr/local/bin/systemctl"
    inside env PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh /steps >"$scratch/steps.log" 2>&1 || die "$(cat "$scratch/steps.log")"
    for said in 'configuration ok' 'topics: no connection to Kafka' 'systemctl enable --now leadclock'; do
        grep -q "$said" "$scratch/steps.log" || die "not said: $said; $(cat "$scratch/steps.log")"
    done
    rm "$root/steps" "$root/usr/local/bin/systemctl"
}

# The example as it comes, with the lines that its head says for the configuration.
start_with_credentials() {
    local example=deploy/systemd/credentials.conf kept=$scratch/leadclock.yaml
    cp "$root/etc/leadclock/leadclock.yaml" "$kept"
    {
        sed '/^kafka:/,/^$/d; /^registry:/,/^$/d; /^redis:/,/^$/d' "$kept"
        sed -n '/^#   kafka:/,/^#   redis:/s/^#   //p' $example | sed 's/^kafka:/&\n  brokers: 127.0.0.1:9092/'
    } >"$root/etc/leadclock/leadclock.yaml"
    sed -i '/ssl.ca.location/d' "$root/etc/leadclock/leadclock.yaml"
    mkdir -m 700 "$root/etc/leadclock/secrets"
    for name in kafka registry redis; do
        (umask 077 && echo "secret of $name" >"$root/etc/leadclock/secrets/$name")
    done
    python3 -B tests/unit_start.py "$root" "$root/usr/lib/systemd/system/leadclock.service" $example
    remove_folder "$root/etc/leadclock/secrets"
    cp "$kept" "$root/etc/leadclock/leadclock.yaml"
}

check_upgrade() {
    say "upgrading"
    echo "# Changed by its owner." >>"$root/etc/leadclock/leadclock.yaml"
    make_later
    inside dpkg --force-confold -i /later.deb >"$scratch/upgrade.log" 2>&1 || { cat "$scratch/upgrade.log" && die "no upgrade"; }
    grep -q "Changed by its owner" "$root/etc/leadclock/leadclock.yaml" || die "the upgrade lost what its owner changed"
    grep -q "Of the later version" "$root/etc/leadclock/policy.yaml" || die "the upgrade left an unchanged file as it was"
    inside env KAFKA_PASSWORD=any leadclock check --config /etc/leadclock/leadclock.yaml
}

check_removal() {
    say "removing, purging"
    inside dpkg -r leadclock >/dev/null
    is_gone /usr/bin/leadclock removing
    is_there /etc/leadclock/leadclock.yaml removing
    is_there /etc/leadclock/secrets.env removing
    inside dpkg -P leadclock >/dev/null
    left=$(find "$root" -xdev -iname '*leadclock*' -not -path "$root/run/*" -not -path "$root/proc/*")
    [ -z "$left" ] || die "after purging there is still: $left"
}

for program in lintian dpkg-shlibdeps $($short || echo mmdebstrap strace systemd-analyze); do
    command -v "$program" >/dev/null || die "$program is missing: deploy/install-deps.sh installs it"
done
build_package
judge "$package"
if $short; then
    dpkg-deb -x "$package" "$root"
    check_installed unpacking
    "$root/usr/bin/leadclock" check --config "$root/etc/leadclock/leadclock.yaml"
    for unit in "$root"/usr/lib/systemd/system/*.service; do
        cmp "$unit" "deploy/systemd/${unit##*/}"
    done
else
    make_root
    cp "$package" "$root/package.deb"
    check_install
    check_upgrade
    check_removal
fi
say "the package holds: ${package#"$ROOT"/}"
