"""A receiver that gets alerts in another form than they came in."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from txpipe.alerts.forms import JSON_FORMS
from txpipe.alerts.intake import reread
from txpipe.alerts.receiver import Parcel, Receiver


class Shaped:
    """Hands alerts to a receiver in one of JSON_FORMS.

    Attributes:
        name: the receiver's, and the form before it.
        batch: the receiver's.
        to_people: no.
    """

    to_people = False

    def __init__(self, receiver: Receiver, form: str) -> None:
        self._receiver = receiver
        self._write = JSON_FORMS[form]
        self.name = f"{form}+{receiver.name}"
        self.batch = receiver.batch

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Write alerts in the form, and deliver them.

        Raises:
            NotTaken: the receiver has not taken them.
        """
        self._receiver.send(
            [replace(one, shaped=self._write(one.line, reread(one.line)).rstrip(b"\n")) for one in parcels]
        )

    def close(self) -> None:
        """Break off what is under way."""
        self._receiver.close()
