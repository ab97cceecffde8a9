#!/usr/bin/env python3
"""check.py [--erased N] FILE - makes every counter anew, in SQL, and compares it with leads.tables.counters: those that
follow from the rows, and where facts.py brought the facts all others too. Says each difference, and ends with 1 where there is one that an erasure does not explain."""

import argparse
import os
import sys

import duckdb

HERE = os.path.dirname(os.path.abspath(__file__))


def sql(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--erased", type=int, default=0, help="cycles of erased leads: counted still, rows no more")
    parser.add_argument("file", help="what load.py made")
    options = parser.parse_args()

    database = duckdb.connect(options.file)
    has_facts = database.execute("select count(*) from duckdb_tables where table_name = 'facts'").fetchone()[0]
    database.execute(sql("counters.sql"))
    if has_facts:
        database.execute(sql("promises.sql"))
    compared, metrics = database.execute(
        "select count(*), count(distinct metric) from published where is_recomputed(metric)"
    ).fetchone()
    left_out = [name for (name,) in database.execute(
        "select distinct metric from published where not is_recomputed(metric) order by 1").fetchall()]  # fmt: skip
    differences = database.execute("select * from differences").fetchall()
    erased = sum(row[5] for row in differences if row[2] == "handed_off")
    wrong = [row for row in differences if row[6]]
    for channel, cohort, metric, published, recomputed, _, _ in wrong:
        print(f"{channel} {cohort} {metric}: published {published}, recomputed {recomputed}")
    print(f"{compared} counters of {metrics} metrics recomputed, {len(wrong)} differ, {erased} cycles are counted and erased")
    print(f"not recomputed: {', '.join(left_out) or 'nothing'}")
    unsure = has_facts and database.execute("select count(*) from renewals where not is_known").fetchone()[0]
    if unsure:
        print(f"renewed_met: for {unsure} leads that asked again it takes a calendar to know which first contact was due sooner")
    if erased != options.erased:
        print(f"{erased} cycles are counted and have no row, and {options.erased} were erased: rows are missing")
    if not compared:
        print("no counters were read: nothing was checked")
    sys.exit(bool(wrong) or erased != options.erased or not compared)


if __name__ == "__main__":
    main()
