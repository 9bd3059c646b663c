"""The task in Python with orjson and the csv module; several processes take ranges of lines. THREADS OUT FILE..."""
import csv
import io
import multiprocessing
import os
import sys
import time

import orjson

V = "https://bluebutton.cms.gov/resources/variables/"
HCPCS = "https://bluebutton.cms.gov/resources/codesystem/hcpcs"
NONE = {}
COLUMNS = (
    "CLAIM_ID PATIENT CLAIM_TYPE CLAIM_FROM CLAIM_THRU DISPOSITION CONTROL DENIAL NPI SPECIALTY DIAGNOSIS LINE "
    "LINE_FROM LINE_THRU HCPCS MODIFIER PLACE BETOS PROCESSING PRIMARY_PAYER UNITS PAID SUBMITTED ALLOWED"
).split()


def code(concept, system):
    for coding in concept.get("coding", ()):
        if coding.get("system") == system:
            return coding.get("code")


def first_code(concepts, system):
    for concept in concepts:
        for coding in concept.get("coding", ()):
            if coding.get("system") == system:
                return coding.get("code")


def has(concept, wanted):
    return any(coding.get("code") == wanted for coding in concept.get("coding", ()))


def extensions(of):
    found = {}
    for extension in of.get("extension", ()):
        found.setdefault(extension["url"], extension)
    return found


def coded(found, name):
    return found.get(V + name, NONE).get("valueCoding", NONE).get("code")


def rows(claim):
    kind = claim["type"]
    if not has(kind, "CARRIER"):
        return
    identifiers = (one.get("value") for one in claim.get("identifier", ()) if one.get("system") == V + "clm_id")
    period, found = claim.get("billablePeriod", NONE), extensions(claim)
    performing = next((one for one in claim.get("careTeam", ()) if has(one.get("role", NONE), "performing")), NONE)
    diagnoses = (one.get("diagnosisCodeableConcept", NONE) for one in claim.get("diagnosis", ()))
    head = (
        next(identifiers, None),
        claim.get("patient", NONE).get("reference"),
        code(kind, V + "nch_clm_type_cd"),
        period.get("start"),
        period.get("end"),
        claim.get("disposition"),
        found.get(V + "carr_clm_cntl_num", NONE).get("valueIdentifier", NONE).get("value"),
        coded(found, "carr_clm_pmt_dnl_cd"),
        performing.get("provider", NONE).get("identifier", NONE).get("value"),
        code(performing.get("qualification", NONE), V + "prvdr_spclty"),
        first_code(diagnoses, "http://hl7.org/fhir/sid/icd-10-cm"),
    )
    for item in claim.get("item", ()):
        period, found, amounts = item.get("servicedPeriod", NONE), extensions(item), {}
        for adjudication in item.get("adjudication", ()):
            for coding in adjudication.get("category", NONE).get("coding", ()):
                amounts.setdefault(coding.get("code"), adjudication.get("amount", NONE).get("value"))
        yield head + (
            item.get("sequence"),
            period.get("start"),
            period.get("end"),
            code(item.get("productOrService", NONE), HCPCS),
            first_code(item.get("modifier", ()), HCPCS),
            code(item.get("locationCodeableConcept", NONE), V + "line_place_of_srvc_cd"),
            coded(found, "betos_cd"),
            coded(found, "line_prcsg_ind_cd"),
            coded(found, "line_bene_prmry_pyr_cd"),
            item.get("quantity", NONE).get("value"),
            amounts.get(V + "line_nch_pmt_amt"),
            amounts.get(V + "line_sbmtd_chrg_amt"),
            amounts.get(V + "line_alowd_chrg_amt"),
        )


def part(task):
    """CSV of the lines whose first byte is in a range."""
    path, start, end = task
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    with open(path, "rb", buffering=1 << 20) as file:
        if start:
            file.seek(start - 1)
            file.readline()
        while file.tell() < end and (line := file.readline()):
            writer.writerows(rows(orjson.loads(line)))
    return text.getvalue()


def main():
    threads, out, files = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    pieces = 1 if threads == 1 else threads * 4
    tasks = []
    for path in files:
        size = os.path.getsize(path)
        tasks += [(path, size * at // pieces, size * (at + 1) // pieces) for at in range(pieces)]
    started = time.perf_counter()
    with open(out, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(COLUMNS)
        if threads == 1:
            file.writelines(map(part, tasks))
        else:
            with multiprocessing.Pool(threads) as pool:
                file.writelines(pool.imap(part, tasks))
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
