#!/usr/bin/env python3
"""test_compare.py - what side-by-side.sh makes of its figures, and that its check sees what differs."""

import collections
import unittest

import compare
import outcomes

BREACH = {
    "type": "SlaBreached", "lead_id": "a", "handoff_at": 0, "occurred_at": 300000, "channel": "demo", "owner": None,
    "clock": "first_contact", "due_at": 300000, "kind": "LATE",
}  # fmt: skip
WARNING = {"type": "SlaWarning"}


def row(**given):
    return {**{key: 1.0 for _, key, _, _ in compare.FIGURES}, **given}


class Tables(unittest.TestCase):
    rows = {
        "leadclock": [row(whole=90, cpu=5), row(whole=100, cpu=4), row(whole=500, cpu=6)],
        "streams-memory": [row(whole=25, cpu=40), row(whole=20, cpu=60), row(whole=30, cpu=50)],
    }

    def test_a_cell_is_the_median_and_how_many_times_better_the_first_is(self):
        cells = {line[0]: line[1:] for line in compare.cells(self.rows)}
        self.assertEqual(cells["facts/s, from the start of the process to zero lag"], ["100", "25 (4.0)"])
        self.assertEqual(cells["CPU s a million facts: the program"], ["5.0", "50.0 (10.0)"])

    def test_the_readme_has_one_place_for_the_table_and_the_rest_stays(self):
        with open(compare.README, encoding="utf-8") as file:
            readme = file.read()
        written = compare.with_paragraph(compare.with_paragraph(readme, "old"), "new\n\n| a |")
        self.assertEqual(written.split(compare.BEGIN)[0], readme.split(compare.BEGIN)[0])
        self.assertEqual(written.split(compare.END)[1], readme.split(compare.END)[1])
        self.assertIn(f"{compare.BEGIN}\n\nnew\n\n| a |\n\n{compare.END}", written)
        self.assertNotIn("old", written.split(compare.BEGIN)[1].split(compare.END)[0])


class Check(unittest.TestCase):
    def differences(self, *records):
        return outcomes.differences(outcomes.as_outcomes([BREACH, WARNING]), outcomes.as_outcomes(records))

    def test_times_as_text_and_fields_that_one_has_alone_are_no_difference(self):
        told = {**BREACH, "due_at": "1970-01-01T00:05:00.000Z", "kind": "EARLY"}
        self.assertEqual(self.differences(told), [])

    def test_what_is_missing_doubled_or_different_is_seen(self):
        self.assertEqual(len(self.differences()), 1)
        self.assertEqual(len(self.differences(BREACH, BREACH)), 1)
        for field in outcomes.FIELDS["SlaBreached"]:
            self.assertEqual(len(self.differences({**BREACH, field: "other"})), 2, field)

    def test_counters_are_summed_over_partitions_and_nothing_is_no_count(self):
        found = outcomes.as_counters([("demo", "2026-08", {"contacted": 1, "opened": 9}), ("demo", "2026-08", {"contacted": 2})])
        self.assertEqual(found, collections.Counter({("demo", "2026-08", "contacted"): 3}))
        self.assertEqual(len(outcomes.differences(found, +found + found)), 1)

    def test_a_feed_that_lacks_what_is_compared_is_refused(self):
        with self.assertRaises(SystemExit):
            outcomes.must_have_everything(outcomes.as_outcomes([BREACH]))


if __name__ == "__main__":
    unittest.main()
