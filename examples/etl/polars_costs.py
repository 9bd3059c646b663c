"""What was paid for whom, month by month, in Polars: claims of all kinds from one export, no files in between.

    python examples/etl/polars_costs.py EXPORT
"""

import sys

import claimfeed
import polars as pl

# Table, kind, and the columns that say when, for whom and how much. Part A pays by claim, the others by line.
SOURCES = [
    ("CCLF1", "part A", "CLM_FROM_DT", "BENE_MBI_ID", "CLM_PMT_AMT"),
    ("CCLF5", "part B", "CLM_LINE_FROM_DT", "BENE_MBI_ID", "CLM_LINE_CVRD_PD_AMT"),
    ("CCLF6", "equipment", "CLM_LINE_FROM_DT", "BENE_MBI_ID", "CLM_LINE_CVRD_PD_AMT"),
]


def costs(export: str) -> pl.DataFrame:
    """Paid amount (exact decimals) and beneficiaries by kind and month."""
    parts = []
    for table, kind, date, who, paid in SOURCES:
        # Only these columns are looked for in the claims.
        rows = pl.DataFrame(claimfeed.read(export, table, columns=[date, who, paid]))
        parts.append(rows.select(
            kind=pl.lit(kind), month=pl.col(date).dt.truncate("1mo"), who=pl.col(who), paid=pl.col(paid).cast(pl.Decimal(38, 2))))
    return (
        pl.concat(parts)
        .group_by("kind", "month")
        .agg(beneficiaries=pl.col("who").n_unique(), paid=pl.col("paid").sum())
        .sort("kind", "month")
    )


if __name__ == "__main__":
    with pl.Config(tbl_rows=50):
        print(costs(sys.argv[1]))
