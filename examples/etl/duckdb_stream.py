"""SQL over an export: DuckDB reads the Arrow streams as if they were tables.

    python examples/etl/duckdb_stream.py EXPORT

A stream is given once. What is asked several times is kept by `create table`.
"""

import sys

import claimfeed
import duckdb


def load(export: str) -> duckdb.DuckDBPyConnection:
    """A database in memory with two tables of the export; no rows pass through Python."""
    database = duckdb.connect()
    for table in ["CCLF1", "CCLF8"]:
        rows = claimfeed.read(export, table)
        database.execute(f"create table {table} as select * from rows")
        # Whoever loads data should know what was not loaded.
        report = claimfeed.report_of(rows)
        print(f"{table}: {report['tables'][table]} rows, left out by rule: {report['skipped'] or 'none'}", file=sys.stderr)
    return database


def stays_by_state(database: duckdb.DuckDBPyConnection) -> list[tuple]:
    """State, stays, paid."""
    return database.sql("""
        -- CCLF8 has a row for each hospice stay: joined as it is, claims would count as often.
        with people as (select BENE_MBI_ID, any_value(BENE_FIPS_STATE_CD) as state from CCLF8 group by all)
        select people.state, count(*) as stays, sum(CCLF1.CLM_PMT_AMT) as paid
        from CCLF1 left join people using (BENE_MBI_ID)
        group by all order by paid desc nulls last
    """).fetchall()


if __name__ == "__main__":
    for state, stays, paid in stays_by_state(load(sys.argv[1])):
        print(state, stays, paid, sep="\t")
