"""Settings of rules: what each may be, with its unit and where its default comes from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any


def setting(
    default: Any, unit: str, source: str, choices: Sequence[str] = (), most: float | None = None
) -> Any:
    """Declare a field of a rule's settings.

    Args:
        default: its type is the setting's type.
        unit: of the number, as in ``USD``, ``seconds``, ``share 0-1``; "" for a plain count or a flag.
        choices: of a text: what it may be; () is anything.
        most: the largest number that it may be; None is what the unit allows.
        source: where the default comes from: a publication, a published tool, or a measurement.
    """
    return dataclasses.field(
        default=default, metadata={"unit": unit, "source": source, "choices": choices, "most": most}
    )
