"""Speed, side by side in one run: NDJSON lines {"bench","peer","ratio",...} on stdout, a table on stderr.

``ratio`` is how many times the peer's throughput txpipe has (for costs: the share of the limit it uses).
Run by ``make bench``; ``make bench BENCH=screen`` runs one part. Peers that are not installed are named.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path

PARTS = ("screen", "detect", "costs", "pipe", "latency", "tail", "rounds", "deliver", "dash")

sys.path.append(str(Path(__file__).resolve().parent.parent))  # the kits of the tests: a node, a proxy


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--folder", default=".bench", help="where inputs and outputs are kept")
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--list-size", type=int, default=1_000_000)
    options = parser.parse_args()
    folder = Path(options.folder).resolve()
    folder.mkdir(exist_ok=True)
    rows = []
    for part in options.parts or PARTS:
        module = importlib.import_module(part)
        for row in module.run(folder, options):
            print(json.dumps(row), flush=True)
            rows.append(row)
    table(rows)


def table(rows):
    """Show the rows to people."""
    shown = [("bench", "peer", "ratio", "txpipe", "peer's", "unit", "note")]
    keys = ("bench", "peer", "ratio", "ours", "theirs", "unit", "note")
    shown.extend(tuple(cell(row.get(key)) for key in keys) for row in rows)
    widths = [max(len(row[at]) for row in shown) for at in range(len(shown[0]))]
    for row in shown:
        print(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip(),
            file=sys.stderr,
        )


def cell(value):
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
