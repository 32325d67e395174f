"""A real Prometheus Alertmanager for tests, and the shape of what its API takes."""

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from receiver_kit import closed_port, until

ALERTMANAGER = os.environ.get("TXPIPE_ALERTMANAGER") or shutil.which("prometheus-alertmanager")

NAMES = {"type": "object", "additionalProperties": {"type": "string"}}
POSTABLE = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["labels"],
        "properties": {
            "labels": NAMES
            | {
                "required": ["alertname"],
                "propertyNames": {"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
                "additionalProperties": {"type": "string", "minLength": 1},
            },
            "annotations": NAMES | {"propertyNames": {"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"}},
            "startsAt": {"$ref": "#/$defs/time"},
            "endsAt": {"$ref": "#/$defs/time"},
            "generatorURL": {"type": "string"},
        },
        "additionalProperties": False,
    },
    "$defs": {"time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}},
}
"""postableAlerts of Alertmanager's api/v2/openapi.yaml, and the names that its data model allows."""

_CONFIG = """\
route:
  receiver: hook
  group_by: ['...']
  group_wait: 0s
  group_interval: 1s
receivers:
  - name: hook
    webhook_configs:
      - url: {url}
        send_resolved: true
"""


class Running:
    """Alertmanager on a free port, which tells a webhook of what fires; use it in a ``with``.

    Attributes:
        url: where it listens.
    """

    def __init__(self, hook_url="http://127.0.0.1:9/"):
        self._hook_url = hook_url

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        (Path(self._folder.name) / "config.yml").write_text(_CONFIG.format(url=self._hook_url))
        self._port = closed_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process = subprocess.Popen(
            [
                ALERTMANAGER,
                f"--config.file={self._folder.name}/config.yml",
                f"--storage.path={self._folder.name}/data",
                f"--web.listen-address=127.0.0.1:{self._port}",
                "--cluster.listen-address=",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(self._is_up)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def _is_up(self):
        assert self._process.poll() is None, "alertmanager has ended"
        try:
            return self._get("/-/ready") is not None
        except OSError:
            return False

    def _get(self, path):
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=20)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read() if answer.status == 200 else None

    def firing(self):
        """Return the alerts that fire now."""
        return json.loads(self._get("/api/v2/alerts"))
