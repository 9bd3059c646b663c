"""The rules of a dbt project that reads CCLF, as assertions on our tables in DuckDB.

usage: rules.py TABLES EXPORT, both folders: Parquet with file columns and the enrollment table, and the NDJSON it is from.
Sums and counts are made of the NDJSON here, with nothing of the product but the names of its tables.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path

import duckdb

TABLES, EXPORT = sys.argv[1:3]

# Source table of the project, our file, its columns without FILE_NAME and FILE_DATE.
SOURCES = [
    ("parta_claims_header", "CCLF1", 45),
    ("parta_claims_revenue_center_detail", "CCLF2", 23),
    ("parta_procedure_code", "CCLF3", 13),
    ("parta_diagnosis_code", "CCLF4", 14),
    ("partb_physicians", "CCLF5", 52),
    ("partb_dme", "CCLF6", 27),
    ("partd_claims", "CCLF7", 21),
    ("beneficiary_demographics", "CCLF8", 31),
    ("beneficiary_xref", "CCLF9", 6),
    ("enrollment", "enrollment", 4),
]

# Columns that staging joins, filters or partitions by: a NULL loses claims or money with all tests green.
KEYS = {
    "parta_claims_header": "CUR_CLM_UNIQ_ID CLM_ADJSMT_TYPE_CD CLM_BLG_PRVDR_OSCAR_NUM PRVDR_OSCAR_NUM CLM_FROM_DT "
    "CLM_THRU_DT BENE_MBI_ID",
    "parta_claims_revenue_center_detail": "CUR_CLM_UNIQ_ID CLM_LINE_NUM PRVDR_OSCAR_NUM BENE_MBI_ID",
    "parta_procedure_code": "CUR_CLM_UNIQ_ID CLM_VAL_SQNC_NUM CLM_BLG_PRVDR_OSCAR_NUM PRVDR_OSCAR_NUM",
    "parta_diagnosis_code": "CUR_CLM_UNIQ_ID CLM_VAL_SQNC_NUM CLM_BLG_PRVDR_OSCAR_NUM PRVDR_OSCAR_NUM",
    "partb_physicians": "CUR_CLM_UNIQ_ID CLM_LINE_NUM CLM_CNTL_NUM CLM_ADJSMT_TYPE_CD CLM_PRCSG_IND_CD BENE_MBI_ID",
    "partb_dme": "CUR_CLM_UNIQ_ID CLM_LINE_NUM CLM_CNTL_NUM CLM_ADJSMT_TYPE_CD BENE_MBI_ID",
    # Some drug events have no reference number at the source: blank, and counted in summary.json.
    "partd_claims": "CUR_CLM_UNIQ_ID CLM_ADJSMT_TYPE_CD CLM_LINE_FROM_DT BENE_MBI_ID",
    "beneficiary_demographics": "BENE_MBI_ID",
    "beneficiary_xref": "CRNT_NUM PRVS_NUM",
    "enrollment": "CURRENT_BENE_MBI_ID ENROLLMENT_START_DATE",
}

db = duckdb.connect()
for name, file, _ in SOURCES:
    db.execute(f"create table {name} as select * from read_parquet('{TABLES}/{file}.parquet')")


def one(sql):
    return db.execute(sql).fetchone()[0]


# What the NDJSON says.
LINE_PAID = ("https://bluebutton.cms.gov/resources/variables/line_nch_pmt_amt", "CLM_LINE_CVRD_PD_AMT")


def codes(concept, ending):
    codings = (concept or {}).get("coding", [])
    return [coding["code"] for coding in codings if coding.get("system", "").lower().endswith(ending)]


def in_force(claim):
    if claim["status"] in ("cancelled", "entered-in-error") or claim.get("use") not in (None, "claim"):
        return False
    kinds = codes(claim["type"], "/nch_clm_type_cd") + codes(claim["type"], "/clm-type-cd")
    if kinds and (kinds[0] in ("62", "63", "64") or kinds[0].endswith("900")):
        return False
    if {"SharedSystem", "NotFinalAction"} & {tag.get("code") for tag in claim.get("meta", {}).get("tag", [])}:
        return False
    for info in claim.get("supportingInfo", []):
        category = {coding.get("code") for coding in info["category"]["coding"]}
        is_void = "CLM_ADJSTMT_TYPE_CD" in category and info["code"]["coding"][0]["code"] == "1"
        if is_void and "PDE" not in codes(claim["type"], "/eob-type"):
            return False
    return True


def has_facility(claim):
    """Whether a provider number is served: of the provider itself in v1, else of a contained organization."""
    places = [claim.get("provider", {})] + claim.get("contained", [])
    listed = [place.get("identifier", []) for place in places]
    numbers = [number for numbers in listed for number in (numbers if isinstance(numbers, list) else [numbers])]
    endings = ("/prvdr_num", "/CCN")
    return any(number.get("system", "").endswith(endings) or codes(number.get("type"), "") == ["PRN"] for number in numbers)


def line_paid(item):
    for adjudication in item.get("adjudication", []):
        if {coding.get("code") for coding in adjudication["category"]["coding"]} & set(LINE_PAID):
            return adjudication["amount"]["value"]
    return Decimal(0)


paid, rows, facilities = {}, {}, 0
for file in Path(EXPORT).glob("*.ndjson"):
    for line in file.read_text(encoding="utf-8").splitlines():
        claim = json.loads(line, parse_float=Decimal, parse_int=Decimal)
        if claim["resourceType"] != "ExplanationOfBenefit" or not in_force(claim):
            continue
        [family] = codes(claim["type"], "/eob-type")
        if family in ("CARRIER", "DME"):
            amount, count = sum((line_paid(item) for item in claim["item"]), Decimal(0)), len(claim["item"])
        else:
            amount, count = claim.get("payment", {}).get("amount", {}).get("value", Decimal(0)), 1
        if family not in ("CARRIER", "DME", "PDE"):
            facilities += has_facility(claim)
        paid[family] = paid.get(family, Decimal(0)) + amount
        rows[family] = rows.get(family, 0) + count
assert len(rows) == 8, rows

SIGN = "case when CLM_ADJSMT_TYPE_CD = '1' then -1 else 1 end"
NO_FACILITY = "select CUR_CLM_UNIQ_ID from parta_claims_header where CLM_BLG_PRVDR_OSCAR_NUM is null"
known = one(f"select sum({SIGN}) from parta_claims_header where CLM_BLG_PRVDR_OSCAR_NUM is not null")
assert known == facilities, ("facilities", known, facilities)

for name, _, width in SOURCES:
    columns = [row[0] for row in db.execute(f"describe {name}").fetchall()]
    assert columns[-2:] == ["FILE_NAME", "FILE_DATE"], (name, columns[-2:])
    assert len(columns) == width + 2, (name, len(columns))
    for column in KEYS[name].split() + ["FILE_NAME", "FILE_DATE"]:
        # v3 serves no facility number of a provider that is a person: blank, and counted in summary.json.
        excused = f"and CUR_CLM_UNIQ_ID not in ({NO_FACILITY})" if "OSCAR" in column else ""
        blank = one(f"select count(*) from {name} where coalesce(trim({column}::varchar), '') = '' {excused}")
        assert blank == 0, (name, column, blank)
    kinds = db.execute(f"select column_name, column_type from (describe {name})").fetchall()
    texts = [f'"{column}" <> trim("{column}")' for column, kind in kinds if kind == "VARCHAR"]
    assert one(f"select count(*) from {name} where {' or '.join(texts)}") == 0, (name, "a code is padded")
assert one("select count(*) from parta_procedure_code where try_cast(CLM_VAL_SQNC_NUM as int) is null") == 0
assert one("select count(distinct FILE_NAME) from parta_claims_header") == 1
assert one("select count(*) from partb_physicians where CLM_ADJSMT_TYPE_CD not in ('0', '1', '2')") == 0
# Demographics are joined to enrolment by the MBI in force.
assert one("select count(*) from enrollment") > 0
missing = "select count(*) from enrollment anti join beneficiary_demographics on CURRENT_BENE_MBI_ID = BENE_MBI_ID"
assert one(missing) == 0
backward = "select count(*) from enrollment where ENROLLMENT_END_DATE < ENROLLMENT_START_DATE"
assert one(backward) == 0
assert one("select count(*) from beneficiary_xref where CRNT_NUM = PRVS_NUM") == 0

PART_A = [family for family in rows if family not in ("CARRIER", "DME", "PDE")]


def check(name, families, amount, natural_key):
    net_rows = one(f"select sum({SIGN}) from {name}")
    assert net_rows == sum(rows[family] for family in families), (name, "rows", net_rows)
    expected = sum(paid[family] for family in families)
    net = one(f"select sum({SIGN} * {amount}) from {name}")
    assert net == expected, (name, "net", net, expected)
    # The project's own way: the sum over a natural key belongs to its newest row; a cancellation that wins is dropped.
    final = one(
        f"""with claims as (
            select CLM_ADJSMT_TYPE_CD,
                sum({SIGN} * {amount}) over (partition by {natural_key}) as total,
                row_number() over (partition by {natural_key} order by CLM_EFCTV_DT desc nulls last,
                    CUR_CLM_UNIQ_ID desc, CLM_ADJSMT_TYPE_CD) as place
            from {name}
        ) select sum(total) from claims where place = 1 and CLM_ADJSMT_TYPE_CD <> '1'"""
    )
    assert final == expected, (name, "final", final, expected)
    return final


header = "CLM_BLG_PRVDR_OSCAR_NUM, CLM_FROM_DT, CLM_THRU_DT, BENE_MBI_ID"
total = check("parta_claims_header", PART_A, "CLM_PMT_AMT", header)
line = "CLM_CNTL_NUM, CLM_LINE_NUM, BENE_MBI_ID"
total += check("partb_physicians", ["CARRIER"], "CLM_LINE_CVRD_PD_AMT", line)
total += check("partb_dme", ["DME"], "CLM_LINE_CVRD_PD_AMT", line)
assert one("select count(*) from partd_claims") == rows["PDE"]
# Revenue lines find their header.
lost = """select count(*) from parta_claims_revenue_center_detail r anti join parta_claims_header h
    on r.CUR_CLM_UNIQ_ID = h.CUR_CLM_UNIQ_ID and r.PRVDR_OSCAR_NUM is not distinct from h.CLM_BLG_PRVDR_OSCAR_NUM
    and r.BENE_MBI_ID = h.BENE_MBI_ID and r.CLM_FROM_DT = h.CLM_FROM_DT and r.CLM_THRU_DT = h.CLM_THRU_DT"""
assert one(lost) == 0
taken_back = sum(one(f"select count(*) from {name} where CLM_ADJSMT_TYPE_CD = '1'") for name, _, _ in SOURCES[4:6])
taken_back += one("select count(*) from parta_claims_header where CLM_ADJSMT_TYPE_CD = '1'")
print(total, taken_back)
