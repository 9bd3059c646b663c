"""The task in Polars, with an explicit schema. THREADS (taken from POLARS_MAX_THREADS) OUT FILE..."""
import sys
import time

import polars as pl

out, files = sys.argv[2], sys.argv[3:]
V = "https://bluebutton.cms.gov/resources/variables/"
HCPCS = "https://bluebutton.cms.gov/resources/codesystem/hcpcs"

TEXT = pl.String
CODING = pl.List(pl.Struct({"system": TEXT, "code": TEXT}))
CONCEPT = pl.Struct({"coding": CODING})
EXTENSION = pl.List(
    pl.Struct({"url": TEXT, "valueCoding": pl.Struct({"code": TEXT}), "valueIdentifier": pl.Struct({"value": TEXT})})
)
PERIOD = pl.Struct({"start": TEXT, "end": TEXT})
AMOUNT = pl.Struct({"value": pl.Float64})
ITEM = pl.Struct(
    {
        "sequence": pl.Int64,
        "servicedPeriod": PERIOD,
        "productOrService": CONCEPT,
        "modifier": pl.List(CONCEPT),
        "locationCodeableConcept": CONCEPT,
        "extension": EXTENSION,
        "quantity": AMOUNT,
        "adjudication": pl.List(pl.Struct({"category": CONCEPT, "amount": AMOUNT})),
    }
)
SCHEMA = {
    "type": CONCEPT,
    "identifier": pl.List(pl.Struct({"system": TEXT, "value": TEXT})),
    "patient": pl.Struct({"reference": TEXT}),
    "billablePeriod": PERIOD,
    "disposition": TEXT,
    "extension": EXTENSION,
    "careTeam": pl.List(
        pl.Struct(
            {
                "provider": pl.Struct({"identifier": pl.Struct({"value": TEXT})}),
                "role": CONCEPT,
                "qualification": CONCEPT,
            }
        )
    ),
    "diagnosis": pl.List(pl.Struct({"diagnosisCodeableConcept": CONCEPT})),
    "item": pl.List(ITEM),
}


def at(of, *names):
    for name in names:
        of = of.struct.field(name)
    return of


def first(of, is_it, *names):
    """The value of the first element that is the one."""
    return of.list.eval(at(pl.element().filter(is_it), *names)).list.first()


def code(coding, system):
    return first(coding, at(pl.element(), "system") == system, "code")


def extension(of, name, *value):
    return first(of, at(pl.element(), "url") == V + name, *(value or ("valueCoding", "code")))


def has(coding, wanted):
    return coding.list.eval(at(pl.element(), "code") == wanted).list.any()


def codes_of(concepts, *names):
    return concepts.list.eval(at(pl.element(), *names, "coding").explode())


def amount(of, name):
    return first(of, has(at(pl.element(), "category", "coding"), V + name), "amount", "value")


col, item = pl.col, pl.col("item")
performing = first(col("careTeam"), has(at(pl.element(), "role", "coding"), "performing"))
claims = (
    pl.scan_ndjson(files, schema=SCHEMA)
    .filter(has(at(col("type"), "coding"), "CARRIER"))
    .select(
        CLAIM_ID=first(col("identifier"), at(pl.element(), "system") == V + "clm_id", "value"),
        PATIENT=at(col("patient"), "reference"),
        CLAIM_TYPE=code(at(col("type"), "coding"), V + "nch_clm_type_cd"),
        CLAIM_FROM=at(col("billablePeriod"), "start"),
        CLAIM_THRU=at(col("billablePeriod"), "end"),
        DISPOSITION=col("disposition"),
        CONTROL=extension(col("extension"), "carr_clm_cntl_num", "valueIdentifier", "value"),
        DENIAL=extension(col("extension"), "carr_clm_pmt_dnl_cd"),
        performing=performing,
        DIAGNOSIS=code(codes_of(col("diagnosis"), "diagnosisCodeableConcept"), "http://hl7.org/fhir/sid/icd-10-cm"),
        item=item,
    )
    .with_columns(
        NPI=at(col("performing"), "provider", "identifier", "value"),
        SPECIALTY=code(at(col("performing"), "qualification", "coding"), V + "prvdr_spclty"),
    )
    .explode("item")
    .select(
        *"CLAIM_ID PATIENT CLAIM_TYPE CLAIM_FROM CLAIM_THRU DISPOSITION CONTROL DENIAL NPI SPECIALTY DIAGNOSIS".split(),
        LINE=at(item, "sequence"),
        LINE_FROM=at(item, "servicedPeriod", "start"),
        LINE_THRU=at(item, "servicedPeriod", "end"),
        HCPCS=code(at(item, "productOrService", "coding"), HCPCS),
        MODIFIER=code(codes_of(at(item, "modifier")), HCPCS),
        PLACE=code(at(item, "locationCodeableConcept", "coding"), V + "line_place_of_srvc_cd"),
        BETOS=extension(at(item, "extension"), "betos_cd"),
        PROCESSING=extension(at(item, "extension"), "line_prcsg_ind_cd"),
        PRIMARY_PAYER=extension(at(item, "extension"), "line_bene_prmry_pyr_cd"),
        UNITS=at(item, "quantity", "value"),
        PAID=amount(at(item, "adjudication"), "line_nch_pmt_amt"),
        SUBMITTED=amount(at(item, "adjudication"), "line_sbmtd_chrg_amt"),
        ALLOWED=amount(at(item, "adjudication"), "line_alowd_chrg_amt"),
    )
)
started = time.perf_counter()
claims.sink_csv(out)
print(time.perf_counter() - started)
