#!/usr/bin/env python3
"""show.py FILE [WORD...] - prints the queries of queries.sql over what load.py made (WORD: those whose title has it)."""

import os
import sys

import duckdb

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "queries.sql"), encoding="utf-8") as text:
    queries = [block.removeprefix("-- ").partition("\n")[::2] for block in text.read().split("\n\n")[1:]]

with duckdb.connect(sys.argv[1], read_only=True) as database:
    for title, query in queries:
        if len(sys.argv) == 2 or any(word in title for word in sys.argv[2:]):
            print(f"{title}\n")
            database.sql(query).show(max_rows=100000, max_width=160)
