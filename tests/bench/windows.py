"""Rules about conduct the usual way: records into DuckDB, a SQL query with windows a rule, alerts to a file.

Run as ``python windows.py RECORDS OUT``. Each rule names an account once, with hindsight over the whole file.
"""

import os
import sys
from pathlib import Path

COLUMNS = {
    "type": "VARCHAR",
    "time": "BIGINT",
    "n": "INT",
    "from": "VARCHAR",
    "to": "VARCHAR",
    "asset": "VARCHAR",
    "value": "DOUBLE",
    "usd": "DOUBLE",
    "failed": "BOOLEAN",
}

MOVES = """
create temp table moves as
select time, n, "from" as payer, "to" as payee, asset, value, usd
from read_json('{records}', format = 'newline_delimited', columns = {columns})
where type = 'transfer' and failed is not true and payer <> payee
"""

LEDGER = """
create temp table ledger as
select *,
    lag(time) over turn as seen,
    sum(delta) over (turn rows between unbounded preceding and 1 preceding) as held
from (
    select payer as account, payee as other, time, n, -usd as delta from moves where usd > 0
    union all
    select payee, payer, time, n, usd from moves where usd > 0
)
window turn as (partition by account order by time, n)
"""
"""What each account held, in USD, and when it last moved, before each of its movements."""

RULES = {
    "poisoning": """
        with contacts as (
            select account, other, substr(other, 3, 3) || right(other, 4) as ends, min(time) as since
            from ledger where abs(delta) >= 1 group by all
        ), bait as (
            select payee as victim, payer as subject, time from moves where value = 0 or usd < 1
            union all
            select payer, payee, time from moves where value = 0
        )
        select subject, time from bait join contacts as known
        on known.account = victim and known.since < time and known.other <> subject
            and known.ends = substr(subject, 3, 3) || right(subject, 4)
        where not exists (
            from contacts as own
            where own.account = victim and own.other = subject and own.since <= time
        )
    """,
    "drain": """
        select other as subject, time, count(distinct account) over (
            partition by other order by time range between 21600 preceding and current row
        ) as wallets
        from ledger where held >= 20 and -delta between 0.8 * held and 1.5 * held
        qualify wallets >= 3
    """,
    "structuring": """
        select payer as subject, time from moves where usd >= 8000 and usd < 10000
        qualify count(*) over (
            partition by payer order by time range between 86400 preceding and current row
        ) >= 4
    """,
    "velocity": """
        with paid as (
            select payer as subject, time, count(*) over (
                partition by payer order by time range between 3600 preceding and current row
            ) as hourly
            from moves where usd >= 1
        )
        select subject, time from paid
        window past as (
            partition by subject order by time range between unbounded preceding and 3601 preceding
        )
        qualify hourly >= 5 and hourly >= 3 * max(hourly) over past and count(*) over past >= 5
    """,
    "outlier": """
        select payer as subject, time from moves where usd > 0
        window past as (
            partition by payer order by time, n rows between unbounded preceding and 1 preceding
        )
        qualify usd >= 300 and usd >= 10 * max(usd) over past and count(*) over past >= 5
    """,
    "dormant": """
        select account as subject, time from ledger
        where time - seen >= 180 * 86400 and delta <= -1000
    """,
    "pass-through": """
        with quiet as (
            select account from ledger group by account having count(*) <= 20
        ), hops as (
            select got.rowid as came, gone.rowid as went, gone.payer as subject, gone.time
            from moves as got join moves as gone
            on gone.payer = got.payee and gone.time between got.time + 1 and got.time + 172800
                and gone.usd between 0.8 * got.usd and got.usd
            where got.usd >= 300 and got.payee in (from quiet)
        )
        select third.subject, third.time
        from hops as first join hops as second on second.came = first.went
        join hops as third on third.came = second.went and third.subject <> first.subject
    """,
    "wash-trading": """
        with legs as (
            select payer, time,
                payer <> lag(payer) over trade
                    and abs(value - lag(value) over trade) <= 0.01 * value
                    and time - lag(time) over trade <= 259200 as answers,
                least(payer, payee) as one, greatest(payer, payee) as two, asset
            from moves where value > 0
            window trade as (
                partition by asset, least(payer, payee), greatest(payer, payee) order by time, n
            )
        )
        select one as subject, max(time) as time from legs where answers
        group by one, two, asset having count(*) >= 5
    """,
}


def main(records, out):
    import duckdb

    connection = duckdb.connect()
    connection.execute("set preserve_insertion_order = false")
    connection.execute(f"set threads = {os.cpu_count()}")
    connection.execute(f"set temp_directory = '{Path(out).with_suffix('.tmp')}'")
    connection.execute(MOVES.format(records=records, columns=COLUMNS))
    connection.execute(LEDGER)
    connection.execute("create temp table alerts (rule varchar, subject varchar, time bigint)")
    for rule, query in RULES.items():
        connection.execute(
            f"insert into alerts select '{rule}', subject, min(time) from ({query}) group by subject"
        )
    connection.execute(f"copy alerts to '{out}' (format json)")


if __name__ == "__main__":
    main(*sys.argv[1:])
