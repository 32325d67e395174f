"""Webhooks: the alert as it is, posted, signed as Standard Webhooks has it (standardwebhooks.com, 1.0.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence

from txpipe.alerts.receiver import SEND_S, Parcel, ReceiverFault
from txpipe.alerts.receivers.exchange import QUIET_S
from txpipe.alerts.receivers.post import Poster


class Webhook:
    """Posts one alert a request; a status of 200 to 299 says that it was taken.

    Attributes:
        name: scheme, host and port, and a digest.
        batch: 1.
        to_people: no.
    """

    batch = 1
    to_people = False

    def __init__(
        self,
        url: str,
        secret: bytes | None,
        now: Callable[[], float],
        quiet_s: float = QUIET_S,
        send_s: float = SEND_S,
    ) -> None:
        """Take where to post.

        Args:
            url: http or https; a user and password in it are sent as basic authentication.
            secret: signs; None is unsigned.
            now: wall time, Unix seconds.
            quiet_s: seconds for a connection, and for an answer to begin or to go on.
            send_s: seconds for all of it.

        Raises:
            ReceiverFault: it is no URL.
        """
        self._poster = Poster(url, now, quiet_s, send_s)
        self.name = self._poster.name
        self._secret, self._now = secret, now

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Post one alert.

        Raises:
            NotTaken: it did not answer with 200 to 299.
        """
        (parcel,) = parcels
        self._poster.post(parcel.sent, self._headers(parcel))

    def close(self) -> None:
        """Break off a request that is under way."""
        self._poster.close()

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        timestamp = str(int(self._now()))
        headers = {
            "idempotency-key": parcel.key,
            "webhook-id": parcel.key,
            "webhook-timestamp": timestamp,
        }
        if self._secret is not None:
            headers["webhook-signature"] = signature(self._secret, parcel.key, timestamp, parcel.sent)
        if parcel.note:
            headers["txalert-note"] = parcel.note.encode("ascii", "backslashreplace").decode()
        return headers


def signature(secret: bytes, key: str, timestamp: str, body: bytes) -> str:
    """Return the ``webhook-signature`` of a body: HMAC-SHA256 over key, timestamp and body."""
    signed = f"{key}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}"


def secret_of(text: str) -> bytes:
    """Return the bytes of a secret: of base64 behind ``whsec_``, else the text itself.

    Raises:
        ReceiverFault: it is empty, or no base64.
    """
    text = text.strip()
    try:
        secret = base64.b64decode(text[6:], validate=True) if text.startswith("whsec_") else text.encode()
    except ValueError:
        raise ReceiverFault("the secret has whsec_ before it, but no base64 behind") from None
    if not secret:
        raise ReceiverFault("the secret is empty")
    return secret
