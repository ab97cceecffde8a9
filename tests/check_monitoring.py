#!/usr/bin/env python3
"""check_monitoring.py LEADCLOCK - deploy/prometheus and deploy/grafana against what the services really tell: each of run,
ingest, alert and dashboard is started (without a server; it tells its figures all the same), promtool must find nothing in
what it tells, rules and dashboards must ask for nothing else, nor for other labels, and docs/operations.md must explain
each figure and each alert.

check_monitoring.py --self-test LEADCLOCK - breaks each of these in a copy and fails unless it is found."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))

from world import free_port  # noqa: E402  said above where it is
SECTIONS = {"run": "http", "ingest": "ingest", "alert": "alert", "dashboard": "dashboard"}
CONFIG = """
name: figures
instance: figures-{pid}
kafka: {{brokers: "127.0.0.1:{dead}"}}
registry: {{url: "http://127.0.0.1:{dead}"}}
redis: {{url: "redis://127.0.0.1:{dead}/0"}}
policy: {policy}
alert:
  alertmanager: {{urls: ["http://127.0.0.1:{dead}"]}}
  webhooks: [{{name: crm, url: "http://127.0.0.1:{dead}/", secret: a-secret-of-the-test}}]
"""
# The labels that Prometheus adds to all that it asks for.
SCRAPED = {"job", "instance"}
# What stands for Grafana's variables where promtool reads an expression.
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$instance": ".*", "$job": "leadclock"}



def promtool(*arguments, text=None):
    """What it complains of; empty: nothing."""
    done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True, timeout=60, check=False)
    said = (done.stdout + done.stderr).strip()
    return said if done.returncode else ""


# ---- What the services tell ----


def ask(process, port):
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                return answer.read().decode()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"no /metrics at port {port}: {error}; {process.args} ended with {process.poll()}")
            time.sleep(0.1)


def figures_of(leadclock, command, config):
    port = free_port()
    process = subprocess.Popen(
        [leadclock, command, "--config", config, "--set", f"{SECTIONS[command]}.listen=127.0.0.1:{port}"],
        stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        return ask(process, port)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def gather(leadclock):
    """Command -> its text."""
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "leadclock.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(dead=free_port(), pid=os.getpid(),
                                     policy=os.path.join(ROOT, "deploy", "demo", "policy.yaml")))  # fmt: skip
        return {command: figures_of(leadclock, command, config) for command in SECTIONS}


def families(texts):
    """Name -> type."""
    return {name: kind for text in texts.values() for name, kind in re.findall(r"(?m)^# TYPE (\S+) (\S+)$", text)}


def series(known):
    """The names that may be asked for."""
    names = {"up", "ALERTS"}
    for name, kind in known.items():
        names |= {name + end for end in ("_bucket", "_sum", "_count")} if kind == "histogram" else {name}
    return names


def labels_of(texts):
    """Name -> label -> its values, of the series that are told."""
    labels = {}
    for name, inside in re.findall(r"(?m)^([a-z]\w*)(?:\{(.*)\})? \S+$", "\n".join(texts.values())):
        of_name = labels.setdefault(name, {})
        for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', inside):
            of_name.setdefault(label, set()).add(value)
    return labels


# ---- What asks for it ----


def read(folder, *path):
    with open(os.path.join(folder, *path), encoding="utf-8") as file:
        return file.read()


def asked(expression):
    """The names in it: all words of ours, and of what every process tells."""
    return set(re.findall(r"\b(?:leadclock|process)_[a-z_]+\b", expression))


def asked_labels(expression):
    """(name, label, value): what selectors pick by, and what sums go by; the latter of all names that are summed there. The
    value is empty where it is not one alone."""
    for name, inside in re.findall(r"\b((?:leadclock|process)_[a-z_]+)\{([^}]*)\}", expression):
        for label, how, value in re.findall(r'(\w+) *(=~|!~|!=|=) *"([^"]*)"', inside):
            yield name, label, value if how == "=" else ""
    for match in re.finditer(r"\bby *\(([^)]*)\) *\(", expression):
        for name in asked(until_closed(expression[match.end() :])):
            yield from ((name, label, "") for label in re.findall(r"\w+", match[1]))


def until_closed(text):
    """What stands before the bracket that closes what was opened before."""
    depth = 1
    for at, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return text[:at]
    return text


def check_labels(who, expression, labels):
    """Of what is not told without servers, nothing can be said."""
    for name, label, value in sorted(set(asked_labels(expression))):
        if name not in labels or label in SCRAPED:
            continue
        if label not in labels[name]:
            yield f"{who} asks for the label {label} of {name}, which has {', '.join(sorted(labels[name])) or 'none'}"
        elif value and value not in labels[name][label]:
            yield f"{who} asks for {label} {value} of {name}, which has {', '.join(sorted(labels[name][label]))}"


def check_figures(texts):
    for command, text in texts.items():
        said = promtool("check", "metrics", text=text)
        if said:
            yield f"promtool check metrics, {command}: {said}"
        for needed in ("leadclock_build_info{", "process_cpu_seconds_total ", "process_resident_memory_bytes ",
                       "process_open_fds ", "process_start_time_seconds "):  # fmt: skip
            if f"\n{needed}" not in "\n" + text:
                yield f"{command} does not tell {needed.rstrip(' {')}"
        started = float(re.search(r"(?m)^process_start_time_seconds (\S+)$", text)[1])
        if not time.time() - 120 < started < time.time() + 2:
            yield f"{command} was started at {started}, by its own account"


def check_documents(folder, known):
    guide = read(folder, "docs", "operations.md")
    told = set(re.findall(r"`([a-z_]+)`", guide))
    for name in sorted(known):
        short = re.sub("^leadclock_alert_", "", name)
        if not {name, short} & told and not name.startswith("process_"):
            yield f"operations.md does not explain {name}"


def check_rules(folder, names, labels):
    rules = os.path.join(folder, "deploy", "prometheus", "rules.yml")
    text, trials = read(rules), read(folder, "deploy", "prometheus", "rules_test.yml")
    headings = re.findall(r"(?m)^### (Leadclock\w+)$", read(folder, "docs", "operations.md"))
    said = promtool("check", "rules", rules) or promtool("test", "rules", rules.replace("rules.yml", "rules_test.yml"))
    if said:
        yield f"promtool: {said}"
    alerts = re.findall(r"(?m)^ +- alert: (\w+)$", text)
    if len(alerts) < 10:
        yield f"only {len(alerts)} alerts were found"
    for part in re.split(r"(?m)^ +- alert: ", text)[1:]:
        alert = part.split("\n", 1)[0]
        if not re.search(rf"(?m)^ +runbook_url: \S+/operations\.md#{alert.lower()}$", part):
            yield f"{alert} has no runbook_url that ends with #{alert.lower()}"
        if alert not in headings:
            yield f"operations.md has no part for {alert}"
        if alert not in trials:
            yield f"rules_test.yml does not try {alert}"
        yield from (f"{alert} asks for {name}, which nobody tells" for name in sorted(asked(part) - names))
        yield from check_labels(alert, part, labels)
    yield from (f"operations.md has a part for {heading}, which is no alert" for heading in headings if heading not in alerts)


def expressions(panels):
    for panel in panels:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
        yield from expressions(panel.get("panels", []))


def check_board(folder, names, labels):
    board = json.loads(read(folder, "deploy", "grafana", "leadclock.json"))
    wanted = list(expressions(board["panels"]))
    ids = [panel["id"] for panel in board["panels"]]
    if len(wanted) < 20 or len(set(ids)) < len(ids):
        yield f"grafana: {len(wanted)} expressions, {len(ids) - len(set(ids))} ids that are there twice"
    rules = []
    for i, (title, text) in enumerate(wanted):
        yield from (f"grafana: {title} asks for {name}, which nobody tells" for name in sorted(asked(text) - names))
        yield from check_labels(f"grafana: {title}", text, labels)
        for variable, value in VARIABLES.items():
            text = text.replace(variable, value)
        rules.append({"record": f"tried:{i}", "expr": text})
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        json.dump({"groups": [{"name": "grafana", "rules": rules}]}, file)
        file.flush()
        said = promtool("check", "rules", file.name)
    if said:
        yield f"grafana: {said}"


def check(folder, texts):
    known, labels = families(texts), labels_of(texts)
    return [*check_figures(texts), *check_documents(folder, known), *check_rules(folder, series(known), labels),
            *check_board(folder, series(known), labels)]  # fmt: skip


# ---- That it can fail ----

BROKEN = [  # what is said, the file, what is replaced, by what
    ("promtool:", "deploy/prometheus/rules.yml", "leadclock_wakeup_late_seconds) > 120", "leadclock_wakeup_late_seconds > 120"),
    ("promtool:", "deploy/prometheus/rules.yml", "_wakeup_late_seconds) > 120", "_wakeup_late_seconds) > 1200"),
    ("asks for leadclock_lag,", "deploy/prometheus/rules.yml", "(leadclock_dead_letters_total[1h])", "(leadclock_lag[1h])"),
    ("no runbook_url", "deploy/prometheus/rules.yml", "#leadclocktimerslate", "#leadclocktimers"),
    ("no part for LeadclockTimersLate", "docs/operations.md", "### LeadclockTimersLate", "### Timers"),
    ("no alert", "docs/operations.md", "### LeadclockTimersLate", "### LeadclockTimersLate\n\n### LeadclockTimersEarly"),
    ("does not explain leadclock_ready", "docs/operations.md", "`leadclock_ready`", "readiness"),
    ("grafana: ", "deploy/grafana/leadclock.json", "sum(", "summe("),
    ("the label code of leadclock_ingest_requests_total, which has status", "deploy/prometheus/rules.yml", '{status=~"', '{code=~"'),
    ("the label code of leadclock_ingest_requests_total,", "deploy/grafana/leadclock.json", "sum by (status) (", "sum by (code) ("),
    ("asks for type LeadSold of leadclock_outcomes_total,", "deploy/grafana/leadclock.json", "LeadSettled", "LeadSold"),
    ("which nobody tells", "deploy/grafana/leadclock.json", "leadclock_lag_records", "leadclock_lag"),
]


def self_test(texts):
    for says, name, before, after in BROKEN:
        with tempfile.TemporaryDirectory() as folder:
            for kept in ("docs/operations.md", "deploy/prometheus", "deploy/grafana"):
                source, copy = os.path.join(ROOT, kept), os.path.join(folder, kept)
                os.makedirs(os.path.dirname(copy), exist_ok=True)
                shutil.copytree(source, copy) if os.path.isdir(source) else shutil.copy(source, copy)
            text = read(folder, name)
            if before not in text:
                sys.exit(f"{name} has no {before}")
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text.replace(before, after))
            complaints = check(folder, texts)
            if not any(says in complaint for complaint in complaints):
                sys.exit(f"not found: {before} as {after} in {name}: {complaints}")
    bad = texts | {"run": texts["run"] + "# HELP leadclock_wait_ms How long.\n# TYPE leadclock_wait_ms gauge\nleadclock_wait_ms 1\n"}
    if not any("check metrics, run" in complaint for complaint in check_figures(bad)):
        sys.exit("not found: a figure in milliseconds")
    print(f"each of {len(BROKEN) + 1} was found")


def main(arguments):
    tries_itself = arguments[0] == "--self-test"
    texts = gather(arguments[-1])
    if tries_itself:
        self_test(texts)
        return 0
    complaints = check(ROOT, texts)
    print(*complaints, f"{len(families(texts))} figures, {len(complaints)} complaints", sep="\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
