"""What a running command shows to Prometheus, as its own parser reads it."""

import re
import select
import time
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families


def parsed(text):
    """Samples by name and labels, and the families by name."""
    families = list(text_string_to_metric_families(text))
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
    return samples, {family.name: family for family in families}


class Shown:
    """The metrics of a process that was started with --metrics 0; it reads the address from its stderr."""

    def __init__(self, process, seconds=30):
        self.said = ""
        deadline = time.monotonic() + seconds
        while not (found := re.search(r"metrics at (http://\S+)", self.said)):
            left = deadline - time.monotonic()
            assert left > 0, self.said
            assert select.select([process.stderr], [], [], left)[0], self.said
            got = process.stderr.readline().decode()
            assert got, self.said
            self.said += got
        self.url = found[1]

    def text(self):
        with urlopen(self.url, timeout=30) as answer:  # noqa: S310 - of this machine
            assert answer.headers["content-type"].startswith("text/plain")
            return answer.read().decode()

    def until(self, wanted, seconds=30):
        """Scrape until what was found is as wanted; returns it."""
        deadline = time.monotonic() + seconds
        while not wanted(found := parsed(self.text())[0]):
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
        return found


def of(found, name, /, **labels):
    """One value."""
    return found.get((f"txpipe_{name}", *sorted(labels.items())))
