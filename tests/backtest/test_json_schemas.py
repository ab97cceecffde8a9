#!/usr/bin/env python3
"""test_json_schemas.py LEADCLOCK EXAMPLES [SEED]: schemas/json and Leadclock agree on what a fact is, by a validator
that is not ours: all examples are valid, and of facts that were spoiled at random both take and refuse the same."""
import copy
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

SYSTEM_PYTHON = "/usr/bin/python3"
try:
    from jsonschema import Draft202012Validator
except ImportError:
    # Debian's python3-jsonschema is for Debian's Python.
    if sys.executable != SYSTEM_PYTHON and os.path.exists(SYSTEM_PYTHON):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, "-B", *sys.argv])
    sys.exit("no jsonschema in Python: deploy/install-deps.sh installs python3-jsonschema")

LEADCLOCK, EXAMPLES = sys.argv[1:3]
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(2**32)
SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas" / "json"
POLICY = os.path.join(EXAMPLES, "people", "feed", "policy.yaml")
VARIANTS = 4000
TIMES = ("occurred_at", "recorded_at", "follow_up_at", "until")


def load_validators():
    validators = {}
    for path in SCHEMAS.glob("*.schema.json"):
        schema = json.loads(path.read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        validators[schema["title"]] = Draft202012Validator(schema)
    return validators


def load_examples():
    facts = []
    for path in sorted(pathlib.Path(EXAMPLES).glob("*/*/events.jsonl")):
        facts += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return facts


def spoil(fact, schema):
    """One field of the schema made missing, null, of another type, or as long as it may be and longer."""
    fact = copy.deepcopy(fact)
    name = random.choice([name for name in schema["properties"] if name != "type"])
    field = schema["properties"][name]
    how = random.randrange(7)
    if how == 0:
        fact.pop(name, None)
    elif how == 1:
        fact[name] = None
    elif how == 2:
        fact[name] = random.choice([True, 5, 2.5, "x", [], {}, {"a": 1}, {"a": []}, [1]])
    elif how == 3 and "maxLength" in field:
        fact[name] = "x" * (field["maxLength"] + random.choice([-1, 0, 1]))
    elif how == 4 and "minLength" in field:
        fact[name] = ""
    elif how == 5 and name in TIMES:
        fact[name] = random.choice([
            0, 631151999999, 631152000000, 7258118399999, 7258118400000, "2026-02-02T09:00:00Z", "2026-02-02T09:00:00",
            "2026-02-02T10:00:00.123456+01:00", "2026-02-02", "noon", "2026-02-02T09:00:00 UTC", "1770022800000", -5])  # fmt: skip
    elif how == 6 and name == "attributes":
        entries, key, value = field["maxProperties"], field["propertyNames"]["maxLength"], field["additionalProperties"]["maxLength"]
        fact[name] = random.choice([
            {f"k{n}": "v" for n in range(entries + random.choice([0, 1]))}, {"k" * (key + random.choice([0, 1])): "v"},
            {"k": "v" * (value + random.choice([0, 1]))}, {"k": None, "n": 250, "b": True}, {"k": {}}, {"k": ["v"]}])  # fmt: skip
    return fact


def lines_refused(facts):
    """The numbers of those that the backtest names as no fact, with what it says."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(fact) + "\n" for fact in facts)
        file.flush()
        done = subprocess.run([LEADCLOCK, "backtest", "--policy", POLICY, file.name], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False, encoding="utf-8", timeout=250)
        return {int(line): text for line, text in re.findall(re.escape(file.name) + r":(\d+): (.*)", done.stderr)}


def require_valid(validators, facts):
    for fact in facts:
        for error in validators[fact["type"]].iter_errors(fact):
            sys.exit(f"{json.dumps(fact)}: {error.message}")


def require_agreement(validators, facts):
    refused = lines_refused(facts)
    for number, fact in enumerate(facts, 1):
        errors = [error.message for error in validators[fact["type"]].iter_errors(fact)]
        if bool(errors) != (number in refused):
            sys.exit(f"{json.dumps(fact)[:2000]}:\n  the schema says {errors or 'yes'}\n  Leadclock says {refused.get(number, 'yes')}")
    return len(refused)


def main():
    print(f"seed {SEED}")
    random.seed(SEED)
    validators, examples = load_validators(), load_examples()
    types = {fact["type"] for fact in examples}
    if types != set(validators):
        sys.exit(f"schemas and examples have other types: {sorted(types ^ set(validators))}")
    require_valid(validators, examples)
    by_type = {name: [fact for fact in examples if fact["type"] == name] for name in sorted(types)}
    spoiled = [spoil(random.choice(by_type[name]), validators[name].schema)
               for name in random.choices(sorted(types), k=VARIANTS)]  # fmt: skip
    refused = require_agreement(validators, spoiled)
    print(f"{len(examples)} examples are valid; of {VARIANTS} variants both refuse {refused}")
    if not VARIANTS // 10 < refused < VARIANTS - VARIANTS // 10:
        sys.exit("too few are refused, or too many, to prove anything")


if __name__ == "__main__":
    main()
