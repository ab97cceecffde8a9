#!/usr/bin/env python3
"""test_tool.py LEADCLOCK EXAMPLES: the backtest as a tool: wrong input is named, reports and comparisons add up."""
import bz2
import collections
import csv
import html
import html.parser
import datetime
import gzip
import io
import json
import lzma
import os
import re
import pty
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

LEADCLOCK, EXAMPLES = sys.argv[1:3]
FEED = os.path.join(EXAMPLES, "full", "feed")
PEOPLE = os.path.join(EXAMPLES, "people", "feed")
CLAWBACK = os.path.join(EXAMPLES, "card", "clawback")
CREATED = '{"type":"LeadCreated","lead_id":"%s","event_id":"%s","occurred_at":1767571200000,"channel":"ads"}\n'


def run(*arguments, given=""):
    return subprocess.run([LEADCLOCK, "backtest", *arguments], input=given, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, encoding="utf-8", timeout=100)


def folder_arguments(folder, *more):
    with open(os.path.join(folder, "until"), encoding="utf-8") as file:
        until = file.read().strip()
    return ["--policy", os.path.join(folder, "policy.yaml"), "--until", until, *more,
            os.path.join(folder, "events.jsonl")]


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


TIES = """name: ties
reasons: {other: {route: NURTURE}}
rules:
  - name: all
    when: any
    first_contact: {within: 10h, escalate: [40h]}
    follow_up: {attempts: 1, within: 24h, route: NURTURE, track: quiet}
    clawback: {after: 50h, from: handoff, warn: [25h], route: NURTURE, track: back}
"""


TOO_EARLY = """name: too-early
reasons: {other: {route: NURTURE}}
rules: [{name: all, when: any, requested_time: {early: 1h, late: 4h}, clawback: {after: 20d}}]
"""


class AtOneInstant(unittest.TestCase):
    """Section 5: warnings, then what expires in the order of the clocks, then escalations."""

    def outcomes(self, policy, given, *arguments):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(policy)
            file.flush()
            done = run("--policy", file.name, "--until", "2026-02-01", *arguments, "-", given=given)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_two_calls_that_are_too_early_are_one_breach(self):
        """docs/architecture.md, What the lead policy leaves open: the first call sets another time, for which the second
        is too early as well; both breaches have one id (6.1), so the later stands, in the row and its count too."""
        line = '{"type":"%s","lead_id":"early","event_id":"%s","occurred_at":"2026-01-05T0%d:00:00Z"%s}\n'
        asked = ',"follow_up_at":"2026-01-05T%d:00:00Z"'
        created = line % ("LeadCreated", "1", 0, ',"channel":"ads"' + asked % 10)
        calls = [line % ("LeadContacted", "2", 1, asked % 20), line % ("LeadContacted", "3", 1, "")]
        for given in (created + "".join(calls), created + "".join(reversed(calls))):
            with tempfile.TemporaryDirectory() as tables:
                outcomes = self.outcomes(TOO_EARLY, given, "--tables", tables)
                rows = read_lines(os.path.join(tables, "breaches.jsonl"))
                cycle = read_lines(os.path.join(tables, "cycles.jsonl"))[0]
            early = [outcome for outcome in outcomes if outcome.get("kind") == "EARLY"]
            self.assertEqual(len({outcome["event_id"] for outcome in early}), 1)
            self.assertEqual((early[-1]["due_at"], early[-1]["attempts"]), ("2026-01-05T19:00:00.000Z", 2))
            self.assertEqual([(row["kind"], row["due_at"], row["attempts"]) for row in rows if row["kind"] == "EARLY"],
                             [("EARLY", "2026-01-05T19:00:00.000Z", 2)])  # fmt: skip
            self.assertEqual(cycle["breaches"], len(rows))

    def test_what_comes_first_decides_what_comes_at_all(self):
        line = '{"type":"%s","lead_id":"%s","event_id":"%s","occurred_at":"2026-01-05T0%d:00:00Z"%s}\n'
        given = (line % ("LeadCreated", "quiet", "1", 0, ',"channel":"ads"')
                 + line % ("LeadCreated", "silent", "1", 0, ',"channel":"ads"')
                 + line % ("LeadContacted", "quiet", "2", 1, ',"method":"CALL"')
                 + line % ("LeadContacted", "quiet", "3", 2, ',"method":"CALL"'))  # fmt: skip
        found = collections.defaultdict(list)
        for outcome in self.outcomes(TIES, given):
            found[outcome["lead_id"], outcome["occurred_at"]].append(outcome["type"])
        # The clawback's warning, though follow_up, which comes before it, ends the cycle at that instant.
        self.assertEqual(found["quiet", "2026-01-06T01:00:00.000Z"], ["SlaWarning", "LeadRouted", "LeadSettled"])
        # No escalation of the first contact, though it comes before the clawback, which ends the cycle.
        self.assertEqual(found["silent", "2026-01-07T02:00:00.000Z"],
                         ["SlaBreachEnded", "LeadClawedBack", "LeadRouted", "LeadSettled"])  # fmt: skip


class WrongInput(unittest.TestCase):
    policy = ("--policy", os.path.join(FEED, "policy.yaml"))

    def test_wrong_usage_is_named_with_exit_code_2(self):
        cases = [
            ([], "an argument is missing"),
            (["events"], "name the policy"),
            ([*self.policy, "a", "b"], "one argument too many"),
            ([*self.policy, "--until", "tomorrow", "-"], "--until: \"tomorrow\""),
            ([*self.policy, "--until", "5x", "-"], "--until"),
            ([*self.policy, "--until", "2026-02-30", "-"],
             '--until: "2026-02-30" is no time; write it as 2026-02-02T09:00:00Z (a zone is needed), as 2026-02-02'),
            ([*self.policy, "--until", "1767603600", "-"],
             "--until: 1767603600 is 1970-01-21T11:00:03.600Z as milliseconds since 1970, which no fact has; write a date"),
            ([*self.policy, "--report", "--to", "0", "-"], "--to: 0 is 1970-01-01T00:00:00.000Z as milliseconds since 1970, which no fact has"),
            ([*self.policy, "--report", "--from", "2026-2-2", "-"], '--from: "2026-2-2" is no time'),
            ([*self.policy, "--report", "--from", "2026-02-02", "--to", "2026-02-02", "-"], "--from is not before --to"),
            ([*self.policy, "--report", "--format", "xml", "-"], "none of text, json, csv and html"),
            ([*self.policy, "--format", "json", "-"], "--format is for"),
            ([*self.policy, "--tables", "x", "--format", "json", "-"], "none of jsonl, csv and avro"),
            ([*self.policy, "--tables", "x", "--report", "--format", "xml", "-"],
             "none of text, json, csv and html, nor for --tables of jsonl, csv and avro"),
            ([*self.policy, "--quiet", "-"], "leaves nothing"),
            ([*self.policy, "--wrong", "-"], "--wrong"),
            ([*self.policy, "/no/such/file"], "/no/such/file"),
            ([*self.policy, FEED], "folder"),
            (["--policy", "/no/such/policy.yaml", "-"], "/no/such/policy.yaml"),
            (["--policy", os.path.join(FEED, "events.jsonl"), "-"], "events.jsonl"),
        ]
        for arguments, message in cases:
            with self.subTest(arguments=arguments):
                done = run(*arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(message, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_a_file_that_check_is_not_told_the_kind_of_is_no_riddle(self):
        policy = self.policy[1]
        tool = lambda *arguments: subprocess.run([LEADCLOCK, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                                 check=False, encoding="utf-8", timeout=100)  # fmt: skip
        for arguments in ([policy], ["--set", "name=a", policy]):
            with self.subTest(arguments=arguments):
                done = tool("check", *arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(f'"{policy}" is what? name a policy with --policy {policy}, a configuration with --config '
                              f"{policy}", done.stderr)  # fmt: skip
        self.assertEqual(tool("check", "--policy", policy, policy).returncode, 2)  # a name twice
        self.assertIn("[--policy FILE...]", tool("check", "--help").stdout)

    def test_a_line_that_is_no_fact_is_named_and_skipped(self):
        given = CREATED % ("a", "1") + "\n" + "{oops\n" + CREATED % ("b", "2") + '{"type":"LeadErased"}'
        done = run(*self.policy, "--counters", "-", "-", given=given)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard input:3: column 2: not JSON", done.stderr)
        self.assertIn("standard input:5: lead_id is missing; skipped", done.stderr)
        self.assertIn("2 of 4 facts skipped", done.stderr)
        self.assertIn('"metric":"handed_off","count":2', done.stdout)

    def test_what_was_probably_meant_is_named(self):
        cases = [(["reprot"], 'no command "reprot"; did you mean "report"? \'leadclock --help\' lists them'),
                 (["prune"], 'no command "prune"; \'leadclock --help\' lists them'),
                 (["backtest", *self.policy, "--quiet", "--report", "--table", "promise", "-"],
                  'the report has no table "promise"; did you mean "promises"? tables: first_contact_by_rule, '),
                 (["backtest", *self.policy, "--quiet", "--report", "--stage", "opportunty", "-"],
                  '--stage: the policy has no stage "opportunty"; did you mean "OPPORTUNITY"? stages: SAL, '),
                 (["topics", "--acls", "publishr", "--set", "name=a", "--set", "policy=p.yaml"],
                  'there is no role publishr; did you mean "publisher"? roles: service, '),
                 (["tables", "--set", "name=a", "--set", "policy=p.yaml", "--fill", "cycle"],
                  '"cycle" is no table; did you mean "cycles"? \'leadclock tables\' lists them'),
                 (["publish", "--topic", "LeadCreate=crm", "--set", "name=a", "--set", "policy=p.yaml", "-"],
                  'LeadMerged or LeadErased; did you mean "LeadCreated"?')]  # fmt: skip
        for arguments, message in cases:
            with self.subTest(arguments=arguments):
                done = subprocess.run([LEADCLOCK, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, check=False, encoding="utf-8", timeout=100)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(message, done.stderr)

    def test_the_version_names_the_time_zone_data(self):
        done = subprocess.run([LEADCLOCK, "--version"], stdout=subprocess.PIPE, check=True, encoding="utf-8", timeout=100)
        self.assertRegex(done.stdout, r"\Aleadclock \d+\.\d+\.\d+ \(time zone data 20\d\d[a-z]+\)\n"
                         r"librdkafka \S+, scram-with-kafka-4 (yes|no), session-renewal (yes|no)\n"
                         r"hiredis \S+, redis-tls (yes|no)\nlibmicrohttpd \S+, https (yes|no)\n\Z")
        with tempfile.TemporaryDirectory() as folder:
            environment = dict(os.environ, TZDIR=folder)
            version = lambda: subprocess.run([LEADCLOCK, "--version"], stdout=subprocess.PIPE, check=True, encoding="utf-8",
                                             timeout=100, env=environment).stdout
            self.assertIn("(time zone data unknown)", version())
            with open(os.path.join(folder, "+VERSION"), "w", encoding="utf-8") as file:
                file.write("2031c\n")
            self.assertIn("(time zone data 2031c)", version())
            with open(os.path.join(folder, "tzdata.zi"), "w", encoding="utf-8") as file:
                file.write("# version 2032a\n# This zic input file is in the public domain.\n")
            self.assertIn("(time zone data 2032a)", version())

    def test_strict_stops_at_the_first_wrong_line(self):
        done = run(*self.policy, "--strict", "--counters", "-", "-", given="nonsense\n" + CREATED % ("a", "1"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard input:1:", done.stderr)
        self.assertEqual(done.stdout, "")

        self.assertIn("stopped at fact 1", done.stderr)

    def test_a_byte_order_mark_is_skipped(self):
        done = run(*self.policy, "--counters", "-", "-", given="\ufeff" + CREATED % ("a", "1"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('"metric":"handed_off","count":1', done.stdout)

    def test_lines_end_as_they_like_and_hold_what_they_like(self):
        one, two = CREATED % ("a", "1"), CREATED % ("b", "2")
        long = two.replace("{", '{"unknown":"%s",' % ("x" * 5_000_000), 1)
        cases = [
            ("CRLF", one.replace("\n", "\r\n") + "\r\n" + two.replace("\n", "\r\n"), 0, ""),
            ("no end of the last line", one + two.rstrip(), 0, ""),
            ("blank lines", "\n \t\n" + one + "\n\r\n" + two + "\n\n", 0, ""),
            ("a line of 5 MB", one + long, 0, ""),
            ("a NUL behind an object", one + two.rstrip() + "\0\n" + two, 1, ":2: column 96: not JSON: something follows"),
            ("a NUL in a string", one + two.replace("ads", "a\0s") + two, 1, ":2: column 92: not JSON: a control character"),
            ("a NUL alone", one + "\0\n" + two, 1, ":2: column 1: not JSON: expected an object"),
            ("a line cut off", one + two + '{"type":"Lead', 1, ":3: column 14: not JSON: a string without its"),
        ]
        for name, given, code, message in cases:
            with self.subTest(name), tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8",
                                                                 newline="") as file:
                file.write(given)
                file.flush()
                for source, piped in ((file.name, ""), ("-", given)):
                    done = run(*self.policy, "--counters", "-", source, given=piped)
                    self.assertEqual(done.returncode, code, done.stderr)
                    self.assertIn(message, done.stderr)
                    self.assertEqual(done.stderr == "", code == 0)
                    self.assertIn('"metric":"handed_off","count":2', done.stdout)

    def test_a_pipe_may_bring_a_line_in_pieces(self):
        lines = (CREATED % ("a", "1") + CREATED % ("b", "2")).encode()
        with subprocess.Popen([LEADCLOCK, "backtest", *self.policy, "--counters", "-", "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, bufsize=0) as process:
            for at in range(0, len(lines), 7):
                process.stdin.write(lines[at:at + 7])
                time.sleep(0.002)
            process.stdin.close()
            said = process.stdout.read()
        self.assertEqual(process.returncode, 0)
        self.assertIn(b'"metric":"handed_off","count":2', said)

    def test_what_can_not_be_read_on_is_named(self):
        done = run(*self.policy, "/proc/self/mem")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/proc/self/mem: Input/output error", done.stderr)

    def test_too_many_facts_are_said_once_a_lead(self):
        assigned = CREATED.replace("LeadCreated", "LeadAssigned").replace('"channel":"ads"', '"owner":"ann"')
        given = "".join(assigned % (lead, f"{number:05}") for number in range(4100) for lead in "ab")
        done = run(*self.policy, "-", given=given)
        self.assertEqual(done.returncode, 1)
        complaints = [line for line in done.stderr.splitlines() if "TOO_MANY_FACTS" in line]
        self.assertEqual(len(complaints), 2, complaints[:5])
        self.assertTrue(complaints[0].startswith('standard input:8193: lead "a" has too many facts'), complaints)
        self.assertTrue(complaints[1].startswith('standard input:8194: lead "b" has too many facts'), complaints)
        self.assertIn("8 of 8200 facts skipped", done.stderr)

    def test_an_empty_channel_is_counted_and_told(self):
        given = CREATED % ("a", "1") + (CREATED % ("b", "2") + CREATED % ("c", "3")).replace("ads", "")
        done = run(*self.policy, "--counters", "-", "-", given=given)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 of LeadCreated have an empty channel, the first is standard input:2", done.stderr)
        self.assertIn('"channel":"","', done.stdout.replace(" ", ""))

    def test_what_means_nothing_to_the_policy_is_told(self):
        line = '{"type":"%s","lead_id":"a","event_id":"%s","occurred_at":"%s"%s}\n'
        given = (CREATED % ("a", "1") + CREATED % ("a", "1")
                 + line % ("LeadProgressed", "2", "2026-01-06T09:00:00Z", ',"stage":"shipped"')
                 + line % ("LeadRejected", "3", "2026-01-07T09:00:00Z", ',"reason":"Wettbewerber"')
                 + line % ("LeadContacted", "4", "2162-01-07T09:00:00Z", ""))  # fmt: skip
        done = run(*self.policy, "-", given=given)
        self.assertEqual(done.returncode, 0, done.stderr)
        for told in ("1 of 5 facts: an event_id that their lead has already; they change nothing (the first is standard "
                     "input:2)",
                     '1 of 5 facts: a stage that no policy document lists: "shipped" (1); they are no progress (the first '
                     "is standard input:3)",
                     '1 of 5 facts: a reason that no policy document lists: "Wettbewerber" (1); they count as `other` '
                     "(the first is standard input:4)",
                     "1 of 5 facts: later than now;", "(the first is standard input:5)"):  # fmt: skip
            self.assertIn(told, done.stderr)

    def test_attributes_that_are_compared_as_numbers_and_are_none_are_told(self):
        policy = """name: numbers
reasons: {other: {route: NURTURE}}
gates:
  qualification:
    signals: [{name: rich, when: {at_least: {revenue: 1.5}}, points: 20}]
    threshold: 0
    otherwise: {route: NURTURE}
rules:
  - {name: large, when: {at_least: {employees: 200, revenue: 5}}, clawback: {after: 9d}}
  - {name: rest, when: any, clawback: {after: 9d}}
"""
        values = [("employees", "1,200"), ("employees", "250"), ("employees", "1.200,00"), ("employees", "-3.50"),
                  ("revenue", ""), ("region", "north"), ("employees", "12 000")]  # fmt: skip
        given = "".join((CREATED % ("a", number)).replace("}", ',"attributes":{"%s":"%s"}}' % value)
                        for number, value in enumerate(values))  # fmt: skip
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(policy)
            file.flush()
            done = run("--policy", file.name, "-", given=given)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('3 of 7 facts: an attribute "employees" that is no number, as "1,200", which rule large compares with '
                      "`at_least`; they are below every bound: write digits, and a point where there are decimals (the "
                      "first is standard input:1)\n", done.stderr)  # fmt: skip
        self.assertIn('1 of 7 facts: an attribute "revenue" that is no number, as "", which signal rich compares', done.stderr)
        self.assertEqual(done.stderr.count("that is no number"), 2, done.stderr)

    def test_what_rows_do_not_tell_is_no_zero(self):
        """A rejection once settled is counted by month: of leads of another time it is not known."""
        given = CREATED % ("a", "1") + "".join(
            '{"type":"LeadRejected","lead_id":"a","event_id":"r%d","occurred_at":"2026-01-05T1%d:00:00Z","reason":"other"}\n'
            % (hour, hour) for hour in (0, 1))  # fmt: skip
        # The last is before every fact.
        for begins, late in ("2026-01-01T00:00:00Z", "1"), ("2026-01-02T00:00:00Z", ""), ("0001-01-02T00:00:00Z", ""):
            done = run("--policy", os.path.join(CLAWBACK, "policy.yaml"), "--quiet", "--report", "--from", begins,
                       "--table", "totals", "--format", "csv", "-", given=given)  # fmt: skip
            self.assertIn("totals,rejected,1,1\n", done.stdout)
            self.assertIn(f"totals,rejected once settled,{late},{late}\n", done.stdout)

    def test_a_hand_off_that_comes_late_takes_what_was_found_with_it(self):
        """The cycle has another id then, its route has not."""
        line = '{"type":"%s","lead_id":"a","event_id":"%s","occurred_at":"2026-01-05T%d:00:00Z",%s}\n'
        given = (line % ("LeadCreated", "1", 10, '"channel":"ads"') + line % ("LeadRejected", "2", 11, '"reason":"other"')
                 + line % ("LeadCreated", "3", 9, '"channel":"ads","arrived_at":"2026-01-05T12:00:00Z"'))  # fmt: skip
        done = run("--policy", os.path.join(CLAWBACK, "policy.yaml"), "--quiet", "--report", "--table", "routes",
                   "--format", "csv", "-", given=given.replace("T9:", "T09:"))  # fmt: skip
        self.assertEqual(done.stdout, "table,track,route,cause,count\nroutes,general,NURTURE,REJECTED,1\n")

    def test_a_stage_to_report_on_is_one_of_the_policy(self):
        done = run(*self.policy, "--quiet", "--report", "--stage", "won", "-", given=CREATED % ("a", "1"))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn('--stage: the policy has no stage "won"; did you mean "WON"? stages: SAL, ', done.stderr)

    def test_no_facts_at_all_is_no_error(self):
        done = run(*self.policy, "-")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(done.stderr, "leadclock backtest: there is no fact in standard input\n")

    def test_what_holds_no_facts_is_said_at_once_with_what_to_do(self):
        lines = CREATED % ("a", "1") + CREATED % ("b", "2")
        array = "[" + lines.strip().replace("\n", ",") + "]"
        table = "lead_id;created;channel\n7;05.01.2026;ads\n"
        spread = json.dumps(json.loads(CREATED % ("a", "1")), indent=2)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("facts.jsonl", lines)
        cases = [(array.encode(), "is a JSON array; facts are JSON Lines, one object a line: jq -c '.[]' FILE makes them"),
                 (("\n  " + array).encode(), "is a JSON array"),
                 (spread.encode(), "has an object over several lines; facts are JSON Lines, one object a line: jq -c . FILE"),
                 (table.encode(), "looks like CSV; deploy/examples/csv makes facts of it, by a mapping of its columns"),
                 (("\ufeff" + table).encode(), "looks like CSV"),
                 (table.replace(";", "\t").encode(), "looks like CSV"),
                 (table.encode("utf-16"), "is UTF-16; facts are UTF-8: iconv -f UTF-16 -t UTF-8 FILE makes it so"),
                 (lines.encode("utf-16-be"), "is UTF-16; facts are UTF-8: iconv -f UTF-16BE"),
                 (lines.encode("utf-16-le"), "is UTF-16; facts are UTF-8: iconv -f UTF-16LE"),
                 (gzip.compress(lines.encode()), "is compressed (gzip); unpack it on the way: zcat FILE | leadclock ..., with -"),
                 (bz2.compress(lines.encode()), "is compressed (bzip2)"),
                 (lzma.compress(lines.encode()), "is compressed (xz)"),
                 (b"\x28\xb5\x2f\xfd\x04\x00", "is compressed (zstd)"),
                 (archive.getvalue(), "is a zip archive or a workbook; unpack it, or export the workbook as CSV")]  # fmt: skip
        for content, message in cases:
            with self.subTest(message=message), tempfile.NamedTemporaryFile(suffix=".txt") as file:
                file.write(content)
                file.flush()
                done = run(*self.policy, "--quiet", "--report", file.name)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertTrue(done.stderr.startswith(f"leadclock backtest: {file.name} {message}"), done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_what_only_looks_odd_is_read(self):
        """Anything but the first line, or no format that is known: the line is named, and the others are read."""
        for odd in ("nonsense", "{\"type\": 5, \"x\": 1}", "7", "null", "\"a, b\" {"):
            with self.subTest(odd=odd):
                done = run(*self.policy, "--counters", "-", "-", given=odd + "\n" + CREATED % ("a", "1"))
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("1 of 2 facts skipped", done.stderr)
        for later in ("[1]", "a,b,c", "{"):
            done = run(*self.policy, "--counters", "-", "-", given=CREATED % ("a", "1") + later + "\n")
            self.assertIn("1 of 2 facts skipped", done.stderr)

    def test_help_tells_what_it_does(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--compare", done.stdout)


def avro_long(number):
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def avro_bytes(data):
    return avro_long(len(data)) + data


def container(events):
    """An Avro object container file (Avro 1.11, Object Container Files) of LeadCreated records."""
    fields = [{"name": name, "type": "string"} for name in ("lead_id", "event_id", "channel")]
    fields.append({"name": "occurred_at", "type": {"type": "long", "logicalType": "timestamp-millis"}})
    schema = json.dumps({"type": "record", "name": "LeadCreated", "namespace": "leadclock", "fields": fields})
    body = b"".join(b"".join(avro_bytes(event[name].encode()) for name in ("lead_id", "event_id", "channel")) +
                    avro_long(event["occurred_at"]) for event in events)
    sync = bytes(range(16))
    header = avro_long(1) + avro_bytes(b"avro.schema") + avro_bytes(schema.encode()) + avro_long(0)
    return b"Obj\x01" + header + sync + avro_long(len(events)) + avro_bytes(body) + sync


class ContainerFiles(unittest.TestCase):
    arguments = ("--policy", os.path.join(FEED, "policy.yaml"), "--until", "2027-01-01T00:00:00Z")

    def setUp(self):
        lines = [CREATED % (str(number), str(number)) for number in range(3)]
        self.bytes = container([json.loads(line) for line in lines])
        self.expected = run(*self.arguments, "-", given="".join(lines)).stdout
        self.assertNotEqual(self.expected, "")

    def run_on_file(self, data):
        with tempfile.NamedTemporaryFile(suffix=".avro") as file:
            file.write(data)
            file.flush()
            return run(*self.arguments, file.name)

    def test_a_container_file_says_what_the_same_lines_say(self):
        self.assertEqual(self.run_on_file(self.bytes).stdout, self.expected)

    def test_a_container_is_read_from_a_pipe(self):
        done = subprocess.run([LEADCLOCK, "backtest", *self.arguments, "-"], input=self.bytes,
                              stdout=subprocess.PIPE, check=False)
        self.assertEqual(done.stdout.decode(), self.expected)

    def test_a_record_that_is_no_fact_is_named(self):
        done = self.run_on_file(container([json.loads(CREATED % ("a", "1")), json.loads(CREATED % ("", "2"))]))
        self.assertEqual(done.returncode, 1)
        self.assertIn("record 2: lead_id is empty; skipped", done.stderr)

    def test_what_is_cut_off_or_no_container_is_named(self):
        cut = self.run_on_file(self.bytes[:-20])
        self.assertEqual(cut.returncode, 1)
        self.assertIn(".avro", cut.stderr)
        wrong = self.run_on_file(b"Object")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn(".avro", wrong.stderr)


def on_terminal(arguments):
    """What a backtest says where standard error is a terminal."""
    shown, terminal = pty.openpty()
    said = b""
    with subprocess.Popen([LEADCLOCK, "backtest", *arguments], stdout=subprocess.DEVNULL, stderr=terminal):
        os.close(terminal)
        try:
            while more := os.read(shown, 10000):
                said += more
        except OSError:  # the other end is closed
            pass
    os.close(shown)
    return said


class Output(unittest.TestCase):
    def test_standard_input_is_as_good_as_a_file(self):
        arguments = folder_arguments(CLAWBACK)
        with open(arguments[-1], encoding="utf-8") as file:
            piped = run(*arguments[:-1], "-", given=file.read())
        self.assertEqual(piped.stdout, run(*arguments).stdout)

    def test_nothing_but_what_was_asked_for_is_printed(self):
        done = run(*folder_arguments(FEED))
        self.assertEqual(done.returncode, 0, done.stderr)
        # What is odd in this feed on purpose; each line is of such a kind.
        self.assertEqual([line for line in done.stderr.splitlines() if not re.search(
            r"facts: an event_id that|facts: a (stage|reason) that no policy|facts: an attribute .* that is no number", line)], [])  # fmt: skip

    def test_a_full_disk_is_named(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([LEADCLOCK, "backtest", *folder_arguments(FEED)], stdout=full,
                                  stderr=subprocess.PIPE, check=False, encoding="utf-8")
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output: No space left", done.stderr)


    def test_what_other_commands_could_not_write_is_named(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            for arguments in (["--help"], ["check", "--explain", "--policy", os.path.join(FEED, "policy.yaml")]):
                done = subprocess.run([LEADCLOCK, *arguments], stdout=full, stderr=subprocess.PIPE, check=False,
                                      encoding="utf-8")
                self.assertEqual(done.returncode, 1)
                self.assertIn("standard output: No space left", done.stderr)

    def test_progress_is_shown_over_and_over_on_a_terminal_only(self):
        lines = "".join(CREATED % (number, number) for number in range(60000))
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as events:
            events.write(lines)
            events.flush()
            arguments = ["--policy", os.path.join(FEED, "policy.yaml"), "--quiet", "--report", events.name]
            piped = run(*arguments)
            self.assertRegex(on_terminal(arguments), rb"\r\x1b\[K\d+ facts, \d+/s, \d+ %")
        self.assertRegex(piped.stderr, r"\A(\d+ facts, \d+/s, \d+ %\n)*\Z")

    def test_elsewhere_progress_is_a_line_after_ten_seconds(self):
        command = [LEADCLOCK, "backtest", "--policy", os.path.join(FEED, "policy.yaml"), "--quiet", "--report", "-"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              encoding="utf-8") as backtest:  # fmt: skip
            for first in (0, 64):
                time.sleep(15 if first else 0)
                backtest.stdin.write("".join(CREATED % (first + n, first + n) for n in range(64)))
                backtest.stdin.flush()
            said = backtest.communicate(timeout=60)[1]
        self.assertRegex(said, r"\A128 facts, \d+/s\n\Z")


def net_outcomes(outcomes):
    net = {}
    for outcome in outcomes:
        if outcome["type"] == "Retracted":
            net.pop(outcome["retracts"])
        elif outcome["type"] != "SlaWarning":
            net[outcome["event_id"]] = outcome
    return list(net.values())


def sums(rows, *keys):
    total = collections.Counter()
    for row in rows:
        total[tuple(row[key] for key in keys)] += row["count"]
    return total


class AvroRows:
    """A file of rows: flat records, not compressed."""

    def __init__(self, content):
        self.content, self.at = content, 4
        header = {}
        while n := self.number():
            for _ in range(n):
                key = self.text()
                header[key] = self.text()
        self.schema = json.loads(header["avro.schema"])
        self.rows = []
        self.at += 16
        while self.at < len(content):
            count, _ = self.number(), self.number()
            self.rows += [self.row() for _ in range(count)]
            self.at += 16

    def number(self):
        shift = value = 0
        while True:
            byte = self.content[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value >> 1 ^ -(value & 1)

    def text(self):
        size = self.number()
        self.at += size
        return self.content[self.at - size:self.at].decode()

    def value(self, kind):
        if isinstance(kind, list):
            return self.value(kind[1]) if self.number() else None
        if isinstance(kind, dict):
            moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=self.number())
            return moment.isoformat(timespec="milliseconds") + "Z"
        if kind == "boolean":
            self.at += 1
            return self.content[self.at - 1] == 1
        return self.text() if kind == "string" else self.number()

    def row(self):
        return {field["name"]: self.value(field["type"]) for field in self.schema["fields"]}


class Rows(unittest.TestCase):
    names = ["breaches", "counters", "cycles", "routes", "stages", "tenures"]

    def write(self, folder, kind):
        done = run(*folder_arguments(FEED, "--quiet", "--tables", folder, "--format", kind))
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertEqual(sorted(os.listdir(folder)), [f"{name}.{kind}" for name in self.names])

    def test_every_format_holds_the_same_rows(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = {kind: os.path.join(folder, "new", kind) for kind in ("jsonl", "csv", "avro")}
            for kind, path in paths.items():
                self.write(path, kind)
            for name in self.names:
                lines = read_lines(os.path.join(paths["jsonl"], name + ".jsonl"))
                self.assertTrue(lines)
                with open(os.path.join(paths["csv"], name + ".csv"), encoding="utf-8", newline="") as file:
                    cells = list(csv.DictReader(file))
                self.assertEqual(cells, [{key: "" if value is None else str(value).lower() if value in (True, False)
                                          and isinstance(value, bool) else str(value) for key, value in line.items()}
                                         for line in lines])
                with open(os.path.join(paths["avro"], name + ".avro"), "rb") as file:
                    rows = AvroRows(file.read()).rows
                self.assertEqual(rows, [{**line, "deleted": False} for line in lines])

    def test_a_folder_that_can_not_be_written_is_named(self):
        with tempfile.NamedTemporaryFile() as file:
            done = run(*folder_arguments(FEED, "--quiet", "--tables", os.path.join(file.name, "x")))
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"--tables: {file.name}/x: ", done.stderr)


class Page(html.parser.HTMLParser):
    """A page as a reader without scripts has it: every table has a caption and headings with a scope."""

    VOID = ("meta", "line", "polyline")

    def __init__(self):
        super().__init__()
        self.open, self.outward, self.captions, self.rows = [], [], [], 0

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ("script", "link", "img", "iframe", "object") or {"src", "href", "onclick"} & set(attributes):
            self.outward.append((tag, attributes))
        if tag == "th" and "scope" not in attributes:
            self.outward.append((tag, attributes))
        self.rows += tag == "tr"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            assert self.open.pop() == tag, tag

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_data(self, data):
        if self.open and self.open[-1] == "caption":
            self.captions.append(data)


class Report(unittest.TestCase):
    """On feeds whose leads are never purged, so that net outcomes can be recounted from what is printed."""

    feed = FEED

    def setUp(self):
        self.tables = json.loads(run(*folder_arguments(self.feed, "--quiet", "--report", "--format", "json")).stdout)
        self.counters = read_lines(os.path.join(self.feed, "counters.jsonl"))

    def test_channels_are_the_counters_summed(self):
        counted = sums(self.counters, "channel", "metric")
        checked = 0
        for table in ("channels", "endings"):
            for row in self.tables[table]:
                for metric, count in row.items():
                    if metric not in ("channel", "conversion") and row["channel"] != "(all)":
                        self.assertEqual(count, counted[row["channel"], metric], (row["channel"], metric))
                        checked += 1
        self.assertGreater(checked, 50)

    def shown(self):
        """What the tables say of each (channel, metric), put together again."""
        shown = {}
        clocks = {"first_contact:again": "again"}
        for row in self.tables["promises"]:
            name, _, stage = clocks.get(row["clock"], row["clock"]).partition(":")
            for column, verb in ("kept", "_met"), ("broken", "_breached"), ("early", "_early"):
                shown[row["channel"], name + verb + (":" + stage if stage else "")] = row[column]
        for row in self.tables["rejections"]:
            shown[row["channel"], "rejected:" + row["reason"]] = row["count"]
        for row in self.tables["ages"]:
            for column, count in row.items():
                if column.startswith("age_"):
                    shown[row["channel"], f"reached:{row['stage']}@{column[4:]}"] = count
        for table in ("channels", "endings", "held_back"):
            for row in self.tables[table]:
                shown.update({(row["channel"], column): count for column, count in row.items()})
        return shown

    def test_every_counted_metric_is_in_some_table(self):
        counted = sums(self.counters, "channel", "metric")
        counted.update({("(all)", metric): n for (metric,), n in sums(self.counters, "metric").items()})
        shown = self.shown()
        for (channel, metric), count in counted.items():
            if not metric.startswith("responded"):
                self.assertEqual(shown.get((channel, metric)), count, (channel, metric))

    def opened(self):
        """The cycles that no gate held back."""
        cycles = read_lines(os.path.join(self.feed, "tables", "cycles.jsonl"))
        return [cycle for cycle in cycles if cycle["rule"] is not None]

    def test_shares_of_responses_are_those_of_the_rows(self):
        minutes = {"within_5m": 5, "within_15m": 15, "within_1h": 60, "within_24h": 24 * 60}
        for table, member in ("response", "response_ms"), ("response_open", "response_open_ms"):
            for row in self.tables[table]:
                of = [c[member] for c in self.opened() if row["channel"] in ("(all)", c["channel"])]
                answered = [response for response in of if response is not None]
                self.assertEqual((row["opened"], row["contacted"]), (len(of), len(answered)))
                for column, most in minutes.items():
                    within = sum(response <= most * 60000 for response in answered)
                    self.assertAlmostEqual(row[column] * row["opened"], within, 2)

    def test_clawbacks_are_counted_net(self):
        clawed_back = sum(cycle["cause"] == "CLAWED_BACK" for cycle in self.opened())
        self.assertGreater(clawed_back, 20)
        self.assertEqual(sum(row["count"] for row in self.tables["clawbacks"]), clawed_back)

    def test_response_times_are_those_of_every_contacted_cycle(self):
        row = self.tables["response"][0]
        times = sorted(cycle["response_ms"] for cycle in self.opened() if cycle["response_ms"] is not None)
        self.assertEqual(row["channel"], "(all)")
        for column, percent in ("median_ms", 50), ("p90_ms", 90), ("p95_ms", 95):
            self.assertEqual(row[column], times[-(-len(times) * percent // 100) - 1])

    def test_the_median_is_exact(self):
        row = json.loads(run(*folder_arguments(CLAWBACK, "--quiet", "--report", "--format", "json")).stdout)["response"][0]
        self.assertEqual((row["contacted"], row["median_ms"], row["p90_ms"]), (1, 60000, 60000))

    def test_a_range_is_told_by_rows_as_by_counters(self):
        """From a moment that begins no month everything is counted from rows: the same, but for what only counters know.
        Nobody is erased, for then rows are gone."""
        with open(os.path.join(self.feed, "events.jsonl"), encoding="utf-8") as file:
            events = "".join(line for line in file if '"LeadErased"' not in line)
        arguments = [*folder_arguments(self.feed, "--quiet", "--report", "--format", "json")[:-1], "-"]
        whole = json.loads(run(*arguments, given=events).stdout)
        ranged = json.loads(run("--from", "1990-01-01T00:00:07Z", *arguments, given=events).stdout)
        for table in ("channels", "ages", "held_back", "rejections", "response", "routes", "conversion"):
            self.assertTrue(whole[table])
            self.assertEqual(ranged[table], whole[table], table)
        for row, known in zip(ranged["promises"], whole["promises"], strict=True):
            if row["clock"] == "first_contact":
                self.assertEqual(row, known)
            else:
                self.assertEqual(row, {**known, "kept": None, "kept_share": None})

    def test_html_is_one_file_that_needs_nothing_and_tells_the_same(self):
        page = run(*folder_arguments(self.feed, "--quiet", "--report", "--format", "html")).stdout
        seen = Page()
        seen.feed(page)
        self.assertEqual(seen.open, [], "tags are not closed")
        self.assertEqual(seen.outward, [], "something is fetched from elsewhere")
        filled = {name: rows for name, rows in self.tables.items() if rows and name != "findings"}
        self.assertEqual(len(seen.captions), len(filled))
        self.assertEqual(seen.rows, sum(len(rows) for rows in filled.values()) + len(filled))
        for finding in self.tables["findings"]:
            self.assertIn(html.escape(finding["says"]).replace("&#x27;", "&#39;"), page)

    def test_a_date_is_the_beginning_of_that_day_where_the_policy_reports(self):
        """Of these feeds that is in Stockholm."""
        report = lambda *options: run(*folder_arguments(self.feed, "--quiet", "--report", *options)).stdout
        named = report("--from", "2026-02-10", "--to", "2026-07-01")
        self.assertIn("Leads handed off from 2026-02-10 00:00 to before 2026-07-01 00:00", " ".join(named.split()))
        self.assertEqual(named, report("--from", "2026-02-10T00:00:00+01:00", "--to", "2026-07-01T00:00:00+02:00"))
        until = [option if option.startswith("-") or "Z" not in option else "2026-12-01"
                 for option in folder_arguments(self.feed, "--quiet", "--report")]  # fmt: skip
        self.assertIn("as of 2026-12-01 00:00 (Europe/Stockholm)", " ".join(run(*until).stdout.split()))

    def test_the_period_before_is_what_its_own_report_says(self):
        """Of whole months every clock is known, of whole days the first contact."""
        self.compare_with_before(("2026-02-01", "2026-04-01", "2026-06-01"), 15)
        self.compare_with_before(("2026-03-11", "2026-04-10", "2026-05-10"), 8)

    def compare_with_before(self, days, least):
        report = lambda *months: json.loads(run(*folder_arguments(
            self.feed, "--quiet", "--report", "--format", "json", "--from", months[0], "--to", months[1])).stdout)  # fmt: skip
        now, before = report(*days[1:]), report(*days[:2])
        compared = 0
        for table, keys in (("promises", ["channel", "clock"]), ("first_contact_by_rule", ["rule"]),
                            ("first_contact_by_owner", ["owner"])):  # fmt: skip
            then = {tuple(row[key] for key in keys): row["kept_share"] for row in before[table]}
            for row in now[table]:
                share, was = row["kept_share"], then.get(tuple(row[key] for key in keys))
                self.assertEqual(row["kept_share_before"], was, (table, row))
                if share is None or was is None:
                    self.assertIsNone(row["kept_points"])
                else:
                    self.assertAlmostEqual(row["kept_points"], share - was, 5)
                    compared += 1
        self.assertGreaterEqual(compared, least)

    def test_a_date_is_one_of_utc_where_documents_report_in_several_zones(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(self.feed, "policy.yaml"), encoding="utf-8") as file:
                text = file.read()
            for number, zone in enumerate(("Europe/Stockholm", "America/New_York")):
                again = re.sub("(?m)^name: .*", f"name: p{number}", text.replace("Europe/Stockholm", zone))
                with open(os.path.join(folder, f"{number}.yaml"), "w", encoding="utf-8") as file:
                    file.write(re.sub("(?m)^effective_from: .*\n", "", again).replace(
                        "\n", "\neffective_from: 2026-06-01T00:00:00Z\n" if number else "\n", 1))  # fmt: skip
            done = run("--policy", folder, "--quiet", "--report", "--from", "2026-02-10",
                       os.path.join(self.feed, "events.jsonl"))  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Leads handed off from 2026-02-10 01:00", " ".join(done.stdout.split()))

    def test_a_table_comes_alone(self):
        whole = run(*folder_arguments(self.feed, "--quiet", "--report", "--format", "csv")).stdout
        alone = run(*folder_arguments(self.feed, "--quiet", "--report", "--format", "csv", "--table", "conversion")).stdout
        self.assertGreater(len(alone.splitlines()), 5)
        self.assertTrue(all(line.startswith(("table,", "conversion,")) for line in alone.splitlines()), alone)
        self.assertIn(alone, whole)
        for options, says in ((["--table", "nonsense"], "no table \"nonsense\"; tables: "), (["--months", "0"], "from 1 to 120")):
            result = run(*folder_arguments(self.feed, "--quiet", "--report", *options))
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn(says, result.stderr)

    def test_text_and_csv_hold_the_same_rows(self):
        text = run(*folder_arguments(self.feed, "--quiet", "--report")).stdout
        self.assertIn("Promises kept and broken", text)
        rows = [row for row in csv.reader(io.StringIO(
            run(*folder_arguments(self.feed, "--quiet", "--report", "--format", "csv")).stdout)) if row]
        for name, table in self.tables.items():
            self.assertEqual(sum(row[0] == name for row in rows), len(table), name)

    def test_columns_are_aligned(self):
        lines = run(*folder_arguments(self.feed, "--quiet", "--report")).stdout.splitlines()
        start = lines.index("By channel: how cycles ended")
        block = lines[start + 1:lines.index("", start)] if "" in lines[start:] else lines[start + 1:]
        self.assertEqual(len({len(line) for line in block}), 1, block)


class RulesWithoutLeads(unittest.TestCase):
    policy = """name: p
reasons: {other: {route: NURTURE}}
rules:
  - {name: partners, when: {channel: [partner]}, clawback: {after: 9d}}
  - {name: rest, when: any, clawback: {after: 9d}}
"""

    def test_they_are_named_in_every_format(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(self.policy)
            file.flush()
            report = lambda kind, *facts: run("--policy", file.name, "--quiet", "--report", "--format", kind, "-",
                                              given="".join(facts)).stdout  # fmt: skip
            ads, partner = CREATED % ("a", "1"), (CREATED % ("b", "2")).replace("ads", "partner")
            self.assertEqual(json.loads(report("json", ads))["rules_without_leads"], [{"policy": "p", "rule": "partners"}])
            self.assertIn("\nRules that no lead of this time came under\npolicy  rule\np       partners\n", report("text", ads))
            self.assertIn("rules_without_leads,p,partners\n", report("csv", ads))
            self.assertIn("<caption>Rules that no lead of this time came under</caption>", report("html", ads))
            self.assertIn("- No lead came under 1 of 2 rules: partners.\n", report("text", ads))
            self.assertEqual(json.loads(report("json", ads, partner))["rules_without_leads"], [])
            self.assertNotIn("came under", report("text", ads, partner) + report("text"))


class ReportOfPeople(Report):
    """With pauses, later owners, prospects who ask again, escalations."""

    feed = PEOPLE


class Compare(unittest.TestCase):
    def test_a_policy_against_itself_changes_nothing(self):
        policy = os.path.join(FEED, "policy.yaml")
        tables = json.loads(run(*folder_arguments(FEED, "--compare", policy, "--format", "json")).stdout)
        for name in ("by_what", "by_rule", "by_channel"):
            self.assertTrue(tables[name])
            self.assertTrue(all(row["change"] == 0 for row in tables[name]))

    def test_a_stricter_promise_is_broken_more_often(self):
        with open(os.path.join(CLAWBACK, "policy.yaml"), encoding="utf-8") as file:
            stricter = file.read().replace("within: 5m, warn: [\"50%\", 1m]", "within: 30s")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as other:
            other.write(stricter)
            other.flush()
            tables = json.loads(run(*folder_arguments(CLAWBACK, "--compare", other.name, "--format", "json")).stdout)
        changed = [row for row in tables["by_rule"] if row["change"]]
        self.assertEqual([(row["rule"], row["outcome"], row["what"], row["change"]) for row in changed],
                         [("hot", "breached", "first_contact", 1), ("hot", "routed", "BREACHED to REASSIGN", 1)])


unittest.main(argv=sys.argv[:1], verbosity=1)
