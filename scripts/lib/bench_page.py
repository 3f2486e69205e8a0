# SPDX-License-Identifier: Apache-2.0
"""What the benches' tables share: which machine it was, and their place in docs/performance.md."""
import os
import pathlib
import sys


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} × {models[0]}" if models else f"{os.cpu_count()} processors"


def write(name, text):
    """Between the two comments of that bench."""
    begin, end = f"<!-- bench {name}: begin -->", f"<!-- bench {name}: end -->"
    document = pathlib.Path(os.environ["TP_DOCUMENT"])
    page = document.read_text(encoding="utf-8")
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        sys.exit(f"bench: {document} has no line {begin} with {end} after it")
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
