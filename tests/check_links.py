#!/usr/bin/env python3
"""check_links.py [--self-test]: links of README.md, CONTRIBUTING.md and docs lead to files that are there, and what the
README names of this folder is a link to it."""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
NAME = re.compile(r"`([A-Za-z0-9_.-]+/[A-Za-z0-9_./-]*)`(?!\]\()")


def without_code(text):
    """Without what stands between fences, which nobody can follow."""
    return re.sub(r"(?ms)^ *```.*?^ *```", "", text)


def problems_of(path, text, names_must_be_links):
    folder, found = os.path.dirname(path), []
    exists = lambda target: os.path.exists(os.path.join(ROOT, folder, target))
    for target in LINK.findall(without_code(text)):
        if "://" not in target and not exists(target):
            found.append(f"{path}: a link to {target}, which is not there")
    for name in NAME.findall(without_code(text)) if names_must_be_links else []:
        if exists(name) and not name.startswith("build/"):  # made here, and nowhere else
            found.append(f"{path}: `{name}` is named; write [`{name}`]({name})")
    return found


def check():
    found = []
    for full in [*(os.path.join(ROOT, name) for name in ("README.md", "CONTRIBUTING.md")), *glob.glob(os.path.join(ROOT, "docs", "*.md"))]:
        path = os.path.relpath(full, ROOT)
        with open(full, encoding="utf-8") as file:
            found += problems_of(path, file.read(), path == "README.md")
    return found


def self_test():
    """Each kind of problem is found, and what is right is none."""
    right = "[a](docs/style.md) [b](https://example.com/x) [`src/core`](src/core) `/livez` `build/x.y`\n```\n`docs/style.md`\n```\n"
    cases = [(right, 0), ("[a](docs/gone.md)", 1), ("[a](docs/gone.md#x)", 1), ("see `docs/style.md`", 1), ("in `src/`", 1)]
    return [f"{text}: {problems_of('README.md', text, True)}" for text, n in cases if len(problems_of("README.md", text, True)) != n]


found = self_test() if sys.argv[1:] == ["--self-test"] else check()
print("\n".join(found))
sys.exit(1 if found else 0)
