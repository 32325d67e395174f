"""What a large compiled list and a --help cost, against their stated limits."""

import subprocess
import sys

import corpus
import processes

OPEN = """
import resource, sys, time
from txpipe.lists.index import Index
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
before, start = resident(), time.perf_counter()
index = Index(sys.argv[1])
opened = time.perf_counter() - start
for address in open(sys.argv[2]):
    index.find(address.strip())
print(opened * 1000, (resident() - before) / 1e6, index.addresses)
"""


def run(folder, options):
    blocklist = corpus.listed(folder, options.list_size)
    index, asked = folder / "list.txindex", folder / "asked.txt"
    seconds, _ = processes.timed([processes.script("txlist"), "compile", str(blocklist), "-o", str(index)])
    yield limit("compile a text list", seconds, None, "s", f"{options.list_size:,} addresses")
    asked.write_text("\n".join(corpus.addresses(1, options.list_size)[:: options.list_size // 2000]) + "\n")
    said = subprocess.run(
        [sys.executable, "-c", OPEN, str(index), str(asked)], capture_output=True, text=True, check=True
    )
    milliseconds, megabytes, _ = map(float, said.stdout.split())
    yield limit("open an index", milliseconds, 20.0, "ms", f"{options.list_size:,} addresses")
    yield limit("resident memory of an index", megabytes, 60.0, "MB", "after 2,000 look-ups that hit")
    for name in ("txsim", "txnorm", "txlist", "txdetect", "txalert"):
        cpu = min(processes.timed([processes.script(name), "--help"], cores=1)[1] for _ in range(9))
        yield limit(f"{name} --help", cpu * 1000, 100.0, "ms", "CPU")


def limit(bench, value, most, unit, note):
    return {
        "bench": bench,
        "peer": "limit" if most else None,
        "ratio": round(value / most, 3) if most else None,
        "ours": round(value, 2),
        "theirs": most,
        "unit": unit,
        "note": note,
    }
