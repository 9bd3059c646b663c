"""The task in DuckDB, with explicit types: only what is asked for is parsed. THREADS OUT FILE..."""
import sys
import time

import duckdb

threads, out, files = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
V = "https://bluebutton.cms.gov/resources/variables/"

CODING = "STRUCT(system VARCHAR, code VARCHAR)[]"
CONCEPT = f"STRUCT(coding {CODING})"
EXTENSION = 'STRUCT(url VARCHAR, valueCoding STRUCT(code VARCHAR), valueIdentifier STRUCT("value" VARCHAR))[]'
PERIOD = 'STRUCT("start" VARCHAR, "end" VARCHAR)'
AMOUNT = 'STRUCT("value" DOUBLE)'
ITEM = (
    f'STRUCT("sequence" BIGINT, servicedPeriod {PERIOD}, productOrService {CONCEPT}, modifier {CONCEPT}[], '
    f"locationCodeableConcept {CONCEPT}, extension {EXTENSION}, quantity {AMOUNT}, "
    f"adjudication STRUCT(category {CONCEPT}, amount {AMOUNT})[])[]"
)
COLUMNS = {
    "type": CONCEPT,
    "identifier": 'STRUCT(system VARCHAR, "value" VARCHAR)[]',
    "patient": "STRUCT(reference VARCHAR)",
    "billablePeriod": PERIOD,
    "disposition": "VARCHAR",
    "extension": EXTENSION,
    "careTeam": 'STRUCT(provider STRUCT(identifier STRUCT("value" VARCHAR)), "role" '
    f"{CONCEPT}, qualification {CONCEPT})[]",
    "diagnosis": f"STRUCT(diagnosisCodeableConcept {CONCEPT})[]",
    "item": ITEM,
}


def first(of, condition):
    return f"list_filter({of}, lambda x: {condition})[1]"


def code(coding, system):
    return first(coding, f"x.system = '{system}'") + ".code"


def extension(of, name, value="valueCoding.code"):
    return first(of, f"x.url = '{V}{name}'") + "." + value


def amount(name):
    has = f"len(list_filter(x.category.coding, lambda y: y.code = '{V}{name}')) > 0"
    return first("it.adjudication", has) + '.amount."value"'


HCPCS = "https://bluebutton.cms.gov/resources/codesystem/hcpcs"
columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
names = ", ".join("'" + name.replace("'", "''") + "'" for name in files)
query = f"""
with claims as (
    select {first('identifier', f"x.system = '{V}clm_id'")}."value" CLAIM_ID, patient.reference PATIENT,
        {code('"type".coding', V + 'nch_clm_type_cd')} CLAIM_TYPE,
        billablePeriod."start" CLAIM_FROM, billablePeriod."end" CLAIM_THRU, disposition DISPOSITION,
        {extension('extension', 'carr_clm_cntl_num', 'valueIdentifier."value"')} CONTROL,
        {extension('extension', 'carr_clm_pmt_dnl_cd')} DENIAL,
        {first('careTeam', '''len(list_filter(x."role".coding, lambda y: y.code = 'performing')) > 0''')} performing,
        {code('flatten([d.diagnosisCodeableConcept.coding for d in diagnosis])',
              'http://hl7.org/fhir/sid/icd-10-cm')} DIAGNOSIS,
        unnest(item) it
    from read_ndjson([{names}], columns = {{{columns}}})
    where len(list_filter("type".coding, lambda x: x.code = 'CARRIER')) > 0
)
select CLAIM_ID, PATIENT, CLAIM_TYPE, CLAIM_FROM, CLAIM_THRU, DISPOSITION, CONTROL, DENIAL,
    performing.provider.identifier."value" NPI,
    {code('performing.qualification.coding', V + 'prvdr_spclty')} SPECIALTY, DIAGNOSIS,
    it."sequence" LINE, it.servicedPeriod."start" LINE_FROM, it.servicedPeriod."end" LINE_THRU,
    {code('it.productOrService.coding', HCPCS)} HCPCS,
    {code('flatten([m.coding for m in it.modifier])', HCPCS)} MODIFIER,
    {code('it.locationCodeableConcept.coding', V + 'line_place_of_srvc_cd')} PLACE,
    {extension('it.extension', 'betos_cd')} BETOS, {extension('it.extension', 'line_prcsg_ind_cd')} PROCESSING,
    {extension('it.extension', 'line_bene_prmry_pyr_cd')} PRIMARY_PAYER, it.quantity."value" UNITS,
    {amount('line_nch_pmt_amt')} PAID, {amount('line_sbmtd_chrg_amt')} SUBMITTED,
    {amount('line_alowd_chrg_amt')} ALLOWED
from claims
"""
started = time.perf_counter()
base = duckdb.connect()
base.execute(f"set threads = {threads}")
base.execute("set preserve_insertion_order = true")
base.execute(f"copy ({query}) to '{out}' (format csv, header)")
print(time.perf_counter() - started)
