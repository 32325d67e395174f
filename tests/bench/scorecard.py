"""Writes README's scorecard: the default rules on simulated streams that nobody tuned them on.

Run by ``make scorecard``. Seeds 1 to 999 are for tuning; these are looked at only here.
"""

import argparse
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import orjson
import processes

SEEDS = (1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008)
RECORDS = 1_000_000
LONGER = 1.5
"""Times the records that show which instances go on behind the end of a stream."""

KEPT = ("Recall**: what was found", "Benign twins", "Precision**")
KEPT_ROWS = ("| scenario", "| ---", "| all | all")
MARKED = re.compile(r"(<!-- scorecard -->\n).*?(<!-- /scorecard -->)", re.DOTALL)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    parser.add_argument("--folder", type=Path, default=Path(".bench"))
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--html", type=Path, help="write txscore's page, too")
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    table = scored(options)
    seeds = ", ".join(map(str, options.seeds))
    head = (
        f"{len(options.seeds)} streams of {options.records:,} records (seeds {seeds}), 0.5 % of transactions"
        " fraud and as\nmany benign look-alikes, every rule at its defaults with `blocklists/demo.csv`. Found"
        " means: an alert\nof severity medium or above on one of its transactions.\n\n"
    )
    text = options.readme.read_text(encoding="utf-8")
    assert MARKED.search(text), f"{options.readme} has no place for a scorecard"
    written = MARKED.sub(lambda found: found[1] + head + table + found[2], text)
    options.readme.write_text(written, encoding="utf-8")


def scored(options):
    """Simulate, detect and score; return the table."""
    command = [processes.script("txscore"), "--format", "markdown"]
    alerts = []
    for seed in options.seeds:
        print(f"seed {seed}", file=sys.stderr)
        made = [options.folder / f"score-{seed}.{kind}" for kind in ("records", "labels", "alerts")]
        simulate(seed, options.records, *made)
        command += ["--records", made[0], "--labels", made[1]]
        alerts.append(made[2])
    command += ["--html", options.html] if options.html else []
    report = subprocess.run([*command, *alerts], check=True, capture_output=True, text=True).stdout
    return f"{shortened(report)}\n{whole(options)}"


def whole(options):
    """Count the instances that the streams hold whole: a longer run of a seed shows which go on."""
    told, found = Counter(), Counter()
    for seed in options.seeds:
        labels, alerts = (options.folder / f"score-{seed}.{kind}" for kind in ("labels", "alerts"))
        longer = options.folder / f"score-{seed}.longer"
        count = int(options.records * LONGER)
        made = [processes.script("txsim"), "--seed", str(seed), "-n", str(count), "--labels", longer]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        hit = {alert["tx"] for alert in read(alerts) if alert["severity"] in ("medium", "high", "critical")}
        all_of = instances(longer)
        for name, held in instances(labels).items():
            if held == all_of[name]:
                told[name[:2]] += 1
                found[name[:2]] += not hit.isdisjoint(held)
    kinds = sorted({variant for _, variant in told})
    rows = [(scenario, [(found[scenario, kind], told[scenario, kind]) for kind in kinds])
            for scenario in sorted({scenario for scenario, _ in told})]  # fmt: skip
    everything = [
        tuple(map(sum, zip(*column, strict=True))) for column in zip(*(row[1] for row in rows), strict=True)
    ]
    lines = [
        "**Recall of whole instances**: without those that the end of the stream cuts off",
        "",
        "| scenario | " + " | ".join(kinds) + " |",
        "| --- |" + " ---: |" * len(kinds),
        *(
            f"| {name} | " + " | ".join(map(share, cells)) + " |"
            for name, cells in [("all", everything), *rows]
        ),
    ]
    return "\n".join(lines) + "\n"


def share(counts):
    found, told = counts
    return f"{found:,}/{told:,} {100 * found / told:.1f} %" if told else ""


def instances(path):
    """Return the transactions of every fraudulent instance of a labels file, by scenario and variant."""
    found = defaultdict(set)
    for label in read(path):
        if label["fraud"]:
            found[label["scenario"], label["variant"], label["instance"]].add(label["tx"])
    return found


def read(path):
    with path.open("rb") as lines:
        yield from map(orjson.loads, lines)


def shortened(report):
    """Keep what a reader of README asks for: recall, precision, and the sum of twins hit."""
    kept = []
    for section in report.split("\n**")[1:]:
        head, _, body = section.partition("\n")
        lines = body.splitlines()
        if head.startswith("Benign twins"):
            lines = [line for line in lines if not line.startswith("|") or line.startswith(KEPT_ROWS)]
        if head.startswith(KEPT):
            kept.append("\n".join([f"**{head}", *lines]).rstrip())
        elif head.startswith("Precision by rule"):
            kept.append("\n".join([f"**{head}", *(line for line in lines if " low |" not in line)]).rstrip())
    return "\n\n".join(kept) + "\n"


def simulate(seed, count, records, labels, alerts):
    with records.open("wb") as file:
        made = [processes.script("txsim"), "--seed", str(seed), "-n", str(count), "--labels", labels]
        subprocess.run(made, check=True, stdout=file)
    with alerts.open("wb") as file:
        found = [processes.script("txdetect"), "--list", "blocklists/demo.csv", records]
        subprocess.run(found, check=True, stdout=file)


if __name__ == "__main__":
    main()
