"""Prometheus Alertmanager, API v2 (https://prometheus.io/docs/alerting/latest/alerts_api/)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from txpipe.alerts.facts import text, utc
from txpipe.alerts.intake import reread
from txpipe.alerts.labelled import Labelled, Labels, Revision
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault, origin
from txpipe.alerts.receivers.post import Poster
from txpipe.alerts.words import defanged
from txpipe.duration import seconds
from txpipe.record import dumps
from txpipe.visible import clipped

Posted = dict[str, Any]
Writer = Callable[[dict[str, Any]], str]

_LONGEST_S = 3653 * 86_400.0
"""Ten years: an end must be a date that calendars have."""

_KNOWN = 10_000
"""Alerts whose labels are remembered where there is no spool."""

_VALUE = 256
_LABELLED = ("rule", "category", "severity", "chain", "subject", "role", "incident", "id")
_FORM = "alertmanager: write alertmanager:http://HOST:9093 or alertmanager:https://…, then ?for=6h, &link=URL"


class Alertmanager:
    """Posts alerts as firing for a while, and retracted ones as resolved.

    An alert is a fact of the past and has no end. Alertmanager wants one, or to be told again every few
    minutes: so the end is set to some time after the alert was sent. Labels are an alert's identity there:
    where a revision has another severity, what the earlier one had is resolved.

    Attributes:
        name: ``alertmanager:``, host, port and a digest.
        batch: alerts that share a request.
        to_people: no; Alertmanager groups them itself.
        labelled: the labels that alerts had last, so that a revision with others takes the earlier one back;
            None is known for this run only.
    """

    batch = 100
    to_people = False

    def __init__(self, text: str, title_of: Writer, body_of: Writer, now: Callable[[], float]) -> None:
        """Take an address, of what stands behind ``alertmanager:``.

        Args:
            text: ``http://HOST:9093``, with a path if Alertmanager is below one; ``?for=`` says how long an
                alert fires, ``link=`` where it can be seen: ``{id}`` in it is filled in.
            title_of: writes the annotation ``summary``.
            body_of: writes the annotation ``description``.
            now: wall time, Unix seconds.

        Raises:
            ReceiverFault: it says something else.
        """
        if text.partition(":")[0] not in {"http", "https"}:
            raise ReceiverFault(_FORM)
        origin(text)
        parts = urlsplit(text)
        said = dict(parse_qsl(parts.query, keep_blank_values=True))
        fires_s = seconds(said.pop("for", "1h"))
        self._link = said.pop("link", "")
        if said or not fires_s or fires_s > _LONGEST_S:
            raise ReceiverFault(_FORM)
        url = urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/api/v2/alerts", "", ""))
        self._poster = Poster(url, now)
        self.name = f"alertmanager:{self._poster.name}"
        self._title_of, self._body_of, self._now, self._fires_s = title_of, body_of, now, fires_s
        self.labelled: Labelled | None = None
        self._known: dict[str, Revision] = {}

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Post alerts.

        Raises:
            NotTaken: it has not answered with 200. Of several, which it refused does not show, and those
                that it did not refuse it has taken: they are posted again one by one.
        """
        try:
            self._post(parcels)
        except NotTaken as fault:
            if not fault.only_this or len(parcels) == 1:
                raise
            for taken, parcel in enumerate(parcels):
                self._post_one(parcel, taken)

    def close(self) -> None:
        """Break off a request that is under way."""
        self._poster.close()

    def _post_one(self, parcel: Parcel, taken: int) -> None:
        try:
            self._post([parcel])
        except NotTaken as fault:
            fault.taken = taken
            raise

    def _post(self, parcels: Sequence[Parcel]) -> None:
        now = self._now()
        posted: dict[tuple[tuple[str, str], ...], Posted] = {}  # of what has the same labels, the last counts
        latest: dict[str, Revision] = {}
        for alert in (reread(parcel.line) for parcel in parcels):
            own, rev = labels(alert), alert["rev"]
            known, earlier = latest.get(own["id"]) or self._earlier(own["id"]) or (rev, own)
            if rev < known:  # it came late, or was refused before: what is known counts
                continue
            if earlier != own:
                posted[tuple(earlier.items())] = self._posted(alert, earlier, now, now)
            ends = now if alert["status"] == "retracted" else now + self._fires_s
            posted[tuple(own.items())] = self._posted(alert, own, now, ends)
            latest[own["id"]] = rev, own
        if posted:
            self._poster.post(dumps(list(posted.values())), {})
        self._remember(latest, now)

    def _earlier(self, alert_id: str) -> Revision | None:
        return self._known.get(alert_id) if self.labelled is None else self.labelled.find(alert_id)

    def _remember(self, latest: Mapping[str, Revision], now: float) -> None:
        if self.labelled is not None:
            self.labelled.note(latest, now)
            return
        for name, own in latest.items():
            self._known.pop(name, None)
            self._known[name] = own
        while len(self._known) > _KNOWN:
            del self._known[next(iter(self._known))]

    def _posted(self, alert: dict[str, Any], own: Labels, now: float, ends: float) -> Posted:
        """Return an alert as PostableAlert of the API has it."""
        posted = {
            "labels": own,
            "annotations": {
                "summary": defanged(self._title_of(alert)),
                "description": defanged(self._body_of(alert)),
                "status": alert["status"],
                "tx": clipped(alert["tx"], _VALUE),
            },
            "startsAt": _started(alert["time"], now),
            "endsAt": _rfc3339(ends),
        }
        if self._link:
            posted["generatorURL"] = self._link.replace("{id}", own["id"])
        return posted


def labels(alert: dict[str, Any]) -> Labels:
    """Return what names an alert in Alertmanager: empty labels are left out, as there.

    ``alertname`` has a prefix, so that no rule is taken for an alert of another source.
    """
    found = {"alertname": f"txpipe-{clipped(alert['rule'], _VALUE)}"}
    found |= {key: clipped(text(alert.get(key)), _VALUE) for key in _LABELLED}
    if alert.get("shadow") is True:
        found["shadow"] = "true"
    return {key: value for key, value in found.items() if value}


def _started(time_s: int, now: float) -> str:
    """Return when it began: an end before that is refused, and chains may be ahead of the clock."""
    return _rfc3339(now) if time_s > now or utc(time_s) is None else _rfc3339(time_s)


def _rfc3339(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
