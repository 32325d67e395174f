"""Seeded inputs of the benchmarks, made once under .bench/."""

import random
from pathlib import Path

ACCOUNTS = 400_000
BATCH = 10_000
TRANSFER = (
    '{"type":"transfer","chain":"eip155:1","block":%d,"time":%d,"tx":"0x%s","n":0,"from":"%s","to":"%s",'
    '"asset":"eip155:1/slip44:60","value":"%d"}\n'
)


def addresses(seed, count):
    """Return distinct-looking lower-case EVM addresses."""
    digits = random.Random(seed).randbytes(20 * count).hex()
    return ["0x" + digits[at : at + 40] for at in range(0, 40 * count, 40)]


def listed(folder, count):
    """Write a plain list of addresses; return its path."""
    path = Path(folder) / f"list-{count}.txt"
    if not path.exists():
        path.write_text("\n".join(addresses(1, count)) + "\n")
    return path


def transfers(folder, records, list_size, hits):
    """Write transfers of which a share of hits pays a listed address; return the path."""
    path = Path(folder) / f"transfers-{records}-{list_size}.ndjson"
    if path.exists():
        return path
    rng = random.Random(2)
    pool, bad = addresses(3, ACCOUNTS), addresses(1, list_size)
    part = path.with_suffix(".part")
    with part.open("w") as file:
        for base in range(0, records, BATCH):
            count = min(BATCH, records - base)
            hashes = rng.randbytes(32 * count).hex()
            file.writelines(
                TRANSFER
                % (
                    23_000_000 + number // 200,
                    1_760_000_000 + number // 200 * 12,
                    hashes[64 * (number - base) : 64 * (number - base) + 64],
                    rng.choice(pool),
                    rng.choice(bad if rng.random() < hits else pool),
                    rng.randrange(10**15, 10**19),
                )
                for number in range(base, base + count)
            )
    part.rename(path)
    return path
