#!/usr/bin/env python3
"""check.py [--erased N] FILE - makes every counter that follows from the rows anew, in SQL, and compares it with
leads.tables.counters. Says each difference, and ends with 1 where there is one that an erasure does not explain."""

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
    database.execute(sql("counters.sql"))
    compared, metrics = database.execute(
        "select count(*), count(distinct metric) from published where is_in_rows(metric)"
    ).fetchone()
    left_out = [name for (name,) in database.execute(
        "select distinct metric from published where not is_in_rows(metric) order by 1").fetchall()]  # fmt: skip
    differences = database.execute("select * from differences").fetchall()
    erased = sum(row[5] for row in differences if row[2] == "handed_off")
    wrong = [row for row in differences if row[6]]
    for channel, cohort, metric, published, recomputed, _, _ in wrong:
        print(f"{channel} {cohort} {metric}: published {published}, recomputed {recomputed}")
    print(f"{compared} counters of {metrics} metrics recomputed, {len(wrong)} differ, {erased} cycles are counted and erased")
    print(f"not in rows: {', '.join(left_out) or 'nothing'}")
    if erased != options.erased:
        print(f"{erased} cycles are counted and have no row, and {options.erased} were erased: rows are missing")
    sys.exit(bool(wrong) or erased != options.erased)


if __name__ == "__main__":
    main()
