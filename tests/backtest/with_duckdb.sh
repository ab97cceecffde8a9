#!/bin/bash
# with_duckdb.sh FOLDER SCRIPT... - runs a Python script that imports DuckDB; where there is none, it is installed from PyPI
# into a virtual environment in FOLDER, once.
set -euo pipefail

venv=$1/duckdb
version=2.0.1

if ! [ "$("$venv/bin/python" -c 'import duckdb, yaml; print(duckdb.__version__)' 2>/dev/null)" = "$version" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "duckdb==$version" PyYAML || {
        echo "skipped: PyPI gives no DuckDB"
        exit 77
    }
fi
exec "$venv/bin/python" -B "${@:2}"
