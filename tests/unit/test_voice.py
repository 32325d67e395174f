"""What is said of findings: combined scores, incidents, overridden severities."""

import orjson
import pytest

from detect_kit import CHAIN, DAY, NOW, address
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.voice import Case, Voice, combined, severity_of
from txpipe.record import check

THIEF, VICTIM = address("thief"), address("victim")


class Speaker:
    """Says findings about the thief, each in a transaction of its own."""

    def __init__(self, voice):
        self.voice = voice
        self.number = 0

    def say(self, rule, severity, time=NOW, subject=THIEF, block=1, **more):
        self.number += 1
        record = {
            "type": "transfer",
            "chain": CHAIN,
            "block": block,
            "time": time,
            "tx": hex(self.number),
            "n": 0,
        }
        record |= {"from": THIEF, "to": VICTIM, "asset": "x", "value": "1"}
        finding = Finding(rule, "theft", severity, SCORES[severity], subject, "Something.", **more)
        (line,) = self.voice.say(Case(finding, record, orjson.dumps(record)))
        return check(orjson.loads(line))


@pytest.fixture
def speaker():
    return Speaker(Voice())


def test_scores_add_up():
    """No sign alone grows, several do, certainty is never reached; worked out by hand."""
    assert [combined([score]) for score in (0, 30, 55, 80, 99)] == [0, 30, 55, 80, 99]
    assert combined([55, 55]) == 72  # 100 sqrt(1 - 0.6975^2) = 71.66
    assert combined([95, 95, 95]) == 99
    assert combined([55, 80]) == combined([80, 55])


def test_severities_of_scores():
    """Each severity begins at its score."""
    assert [severity_of(score) for score in (0, 10, 29, 30, 54, 55, 80, 94, 95, 100)] == [
        "info", "info", "info", "low", "low", "medium", "high", "high", "critical", "critical",
    ]  # fmt: skip


def test_one_account_with_several_findings_gets_one_score(speaker):
    """The second rule's alert shows the combined score and its parts; the same rule again adds nothing."""
    first = speaker.say("drain", "medium")
    again = speaker.say("drain", "medium")
    second = speaker.say("velocity", "low")
    assert (first["score"], first["severity"], "parts" in first) == (55, "medium", False)
    assert again["score"] == 55
    assert second["parts"] == {"drain": 55, "velocity": 30}
    assert (second["score"], second["severity"]) == (combined([55, 30]), "medium")


def test_findings_of_long_ago_no_longer_count(speaker):
    """After 31 days a rule's finding is no part of the score."""
    speaker.say("drain", "medium")
    assert "parts" not in speaker.say("velocity", "low", time=NOW + 31 * DAY)


def test_a_victim_has_no_risk_score(speaker):
    """A victim's findings are never added up: they are no sign of guilt."""
    speaker.say("drain", "medium", subject=VICTIM, role="victim")
    alert = speaker.say("dormant", "medium", subject=VICTIM, role="victim")
    assert (alert["score"], "parts" in alert) == (55, False)


def test_an_incident_is_a_suspects_alerts(speaker):
    """A thief's alerts and those of his victims share an incident; a week's silence ends it."""
    first = speaker.say("drain", "high")
    victim = speaker.say("drain", "high", subject=VICTIM, role="victim", about=THIEF, time=NOW + DAY)
    other = speaker.say("drain", "high", subject=VICTIM, role="victim", time=NOW + DAY)
    later = speaker.say("velocity", "low", time=NOW + 9 * DAY)
    assert first["incident"] == victim["incident"]
    assert len({first["incident"], other["incident"], later["incident"]}) == 3


def test_a_severity_can_be_overridden():
    """What a user decided of a rule holds for every finding of it."""
    speaker = Speaker(Voice({"drain": "low"}))
    alert = speaker.say("drain", "critical")
    assert (alert["severity"], alert["score"]) == ("low", 30)


def test_what_was_said_survives(speaker):
    """A restored voice says nothing twice and goes on with the same incidents."""
    before = speaker.say("drain", "high")
    voice = Voice()
    voice.restore(speaker.voice.saved())
    speaker.voice, speaker.number = voice, 0
    with pytest.raises(ValueError, match="not enough values"):
        speaker.say("drain", "high")
    assert speaker.say("velocity", "low")["incident"] == before["incident"]


def test_a_reorg_takes_back_what_a_score_is_made_of(speaker):
    """What dropped blocks said of an account counts no longer; what came before does."""
    speaker.say("drain", "medium", block=1)
    speaker.say("velocity", "low", block=2)
    speaker.say("velocity", "medium", block=3)
    assert len(list(speaker.voice.retract(CHAIN, 2))) == 2
    assert speaker.say("outlier", "low", block=2)["parts"] == {"drain": 55, "outlier": 30}
