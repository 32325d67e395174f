"""What ``spool`` asks of SQLite."""

from txpipe.alerts.rest import LONGEST_ASKED_S

ENTRY = "SELECT number, keys FROM receivers WHERE name = ?"
TAKE = "INSERT OR IGNORE INTO alerts (key, taken, line) VALUES (?, ?, ?)"
QUEUE = "INSERT INTO deliveries (receiver, seq, since) SELECT ?, seq, ? FROM alerts WHERE seq > ?"
NOTE = "INSERT INTO notes (receiver, note, seq) SELECT ?, ?, seq FROM alerts WHERE key = ? AND seq > ?"
QUEUE_KIN = (
    "INSERT OR IGNORE INTO deliveries (receiver, seq, since, kin)"
    " SELECT ?, seq, ?, ? FROM alerts WHERE key = ? AND seq > ?"
)
KEYS = "UPDATE receivers SET keys = ? WHERE number = ?"
REGROUP = "UPDATE deliveries SET kin = ? WHERE receiver = ? AND seq = ?"
LINES = (
    "SELECT d.seq, a.line FROM deliveries d INDEXED BY waiting JOIN alerts a ON a.seq = d.seq"
    " WHERE d.receiver = ? AND d.state = 0 AND d.seq > ? ORDER BY d.seq LIMIT ?"
)
SELECT = "SELECT a.key, a.line, d.since, d.tries, d.seq, coalesce(n.note, ''), coalesce(d.kin, '')"
FROM = (
    " JOIN alerts a ON a.seq = d.seq LEFT JOIN notes n ON n.seq = d.seq AND n.receiver = d.receiver"
    " WHERE d.receiver = ?1 AND d.state = 0"
)
# No rest is so long: what is due still later was put off before the clock was set back.
IS_DUE = f" AND (d.due <= ?2 OR d.due > ?2 + {LONGEST_ASKED_S})"
BY_PLACE = "FROM deliveries d INDEXED BY waiting"
BY_KIN = "FROM deliveries d INDEXED BY kin_waits"
GROUP = "SELECT d.kin, d.since FROM deliveries d INDEXED BY since_waits"
SINCE = "SELECT d.since FROM deliveries d INDEXED BY kin_waits"
DUE = f" AND (d.due <= ?2 OR d.due > ?2 + {LONGEST_ASKED_S})"
BY_PLACE = "FROM deliveries d INDEXED BY waiting"
BY_KIN = "FROM deliveries d INDEXED BY kin_waits"
BY_SINCE = "FROM deliveries d INDEXED BY since_waits"
DUE = f"{SELECT} {BY_PLACE}{FROM}{IS_DUE} ORDER BY d.seq LIMIT ?3"
DUE_OF = f"{SELECT} {BY_KIN}{FROM} AND d.kin = ?4{IS_DUE} ORDER BY d.seq LIMIT ?3"
BUT = " AND d.kin IS NOT NULL AND d.kin NOT IN apart"
APART = f"{GROUP} WHERE d.receiver = ?1 AND d.state = 0{BUT}{IS_DUE}"
AHEAD = f"{APART} AND d.since > ?2 ORDER BY d.since, d.seq LIMIT 1"
FIRST_OF = f"{APART} AND d.since <= ?2 ORDER BY d.since, d.seq LIMIT 1"
HEAD = f"{SINCE} WHERE d.receiver = ?1 AND d.state = 0 AND d.kin = p.kin{IS_DUE} ORDER BY d.seq LIMIT 1"
HEADS = f"WITH p AS (SELECT kin FROM apart) SELECT p.kin, ({HEAD}) FROM p"  # noqa: S608 - made of constants
OVERDUE = f"{SELECT} {BY_PLACE}{FROM} AND d.since < ?2 ORDER BY d.seq LIMIT ?3"
WAITING = (
    "SELECT r.name, count(*) FROM deliveries d INDEXED BY waiting JOIN receivers r ON r.number = d.receiver"
    " WHERE d.state = 0 GROUP BY r.name"
)
ANY = "SELECT 1 FROM deliveries INDEXED BY waiting WHERE receiver = ? AND state = 0 LIMIT 1"
FIRST = (
    "SELECT since FROM deliveries INDEXED BY waiting WHERE receiver = ? AND state = 0 ORDER BY seq LIMIT 1"
)
RESEND = (
    "INSERT INTO deliveries (receiver, seq, since, kin) SELECT ?, seq, ?, ? FROM alerts WHERE key = ?"
    " ON CONFLICT DO UPDATE SET state = 0, since = excluded.since, due = 0, tries = 0, kin = excluded.kin"
    " WHERE state = 2"
)
HAS = "SELECT 1 FROM alerts WHERE key = ?"
KNOWN = "SELECT 1 FROM alerts WHERE key >= ? AND key < ? LIMIT 1"
HAD = (  # the first revision is enough: of an alert that has thousands, not all are looked at
    "SELECT r.name FROM receivers r WHERE EXISTS (SELECT 1 FROM alerts a CROSS JOIN deliveries d"
    " WHERE a.key >= ? AND a.key < ? AND d.receiver = r.number AND d.seq = a.seq) ORDER BY r.number"
)
SET = "UPDATE deliveries SET state = ? WHERE receiver = ? AND seq = ? AND state = 0"
OLDEST = "SELECT seq, taken FROM alerts WHERE seq > ? ORDER BY seq LIMIT ?"
FORGET = (
    "DELETE FROM alerts WHERE seq BETWEEN ? AND ? AND (taken < ? OR seq <= ?)"
    " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = alerts.seq AND d.state = 0)"
)
FORGET_DELIVERIES = (
    "DELETE FROM deliveries WHERE seq BETWEEN ? AND ?"
    " AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.seq = deliveries.seq)"
)
FORGET_NOTES = (
    "DELETE FROM notes WHERE seq BETWEEN ? AND ?"
    " AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.seq = notes.seq)"
)
