//! The task with simd-json's typed serde: structs of what is asked for, texts borrowed from the line.
//!
//! `typed-lines THREADS OUT FILE...`

use std::fs::File;
use std::io::{BufRead, BufReader, Result, Seek, SeekFrom, Write};
use std::time::Instant;

use serde::Deserialize;

type Text<'a> = Option<std::borrow::Cow<'a, str>>;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Coding<'a> {
    #[serde(borrow)]
    system: Text<'a>,
    #[serde(borrow)]
    code: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Concept<'a> {
    #[serde(borrow)]
    coding: Vec<Coding<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Identifier<'a> {
    #[serde(borrow)]
    system: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Extension<'a> {
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    value_coding: Coding<'a>,
    #[serde(borrow)]
    value_identifier: Identifier<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Period<'a> {
    #[serde(borrow)]
    start: Text<'a>,
    #[serde(borrow)]
    end: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reference<'a> {
    #[serde(borrow)]
    reference: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Provider<'a> {
    #[serde(borrow)]
    identifier: Identifier<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Member<'a> {
    #[serde(borrow)]
    provider: Provider<'a>,
    #[serde(borrow)]
    role: Concept<'a>,
    #[serde(borrow)]
    qualification: Concept<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Diagnosis<'a> {
    #[serde(borrow)]
    diagnosis_codeable_concept: Concept<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Amount {
    value: Option<f64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Adjudication<'a> {
    #[serde(borrow)]
    category: Concept<'a>,
    amount: Amount,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Item<'a> {
    sequence: Option<i64>,
    #[serde(borrow)]
    serviced_period: Period<'a>,
    #[serde(borrow)]
    product_or_service: Concept<'a>,
    #[serde(borrow)]
    modifier: Vec<Concept<'a>>,
    #[serde(borrow)]
    location_codeable_concept: Concept<'a>,
    #[serde(borrow)]
    extension: Vec<Extension<'a>>,
    quantity: Amount,
    #[serde(borrow)]
    adjudication: Vec<Adjudication<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Claim<'a> {
    #[serde(borrow, rename = "type")]
    kind: Concept<'a>,
    #[serde(borrow)]
    identifier: Vec<Identifier<'a>>,
    #[serde(borrow)]
    patient: Reference<'a>,
    #[serde(borrow)]
    billable_period: Period<'a>,
    #[serde(borrow)]
    disposition: Text<'a>,
    #[serde(borrow)]
    extension: Vec<Extension<'a>>,
    #[serde(borrow)]
    care_team: Vec<Member<'a>>,
    #[serde(borrow)]
    diagnosis: Vec<Diagnosis<'a>>,
    #[serde(borrow)]
    item: Vec<Item<'a>>,
}

const COLUMNS: &str = "CLAIM_ID,PATIENT,CLAIM_TYPE,CLAIM_FROM,CLAIM_THRU,DISPOSITION,CONTROL,DENIAL,NPI,SPECIALTY,\
DIAGNOSIS,LINE,LINE_FROM,LINE_THRU,HCPCS,MODIFIER,PLACE,BETOS,PROCESSING,PRIMARY_PAYER,UNITS,PAID,SUBMITTED,ALLOWED\n";
const HCPCS: &str = "https://bluebutton.cms.gov/resources/codesystem/hcpcs";

macro_rules! variable {
    ($name:literal) => {
        concat!("https://bluebutton.cms.gov/resources/variables/", $name)
    };
}

fn text<'a>(of: &'a Text<'_>) -> &'a str {
    of.as_deref().unwrap_or("")
}

impl Concept<'_> {
    fn has(&self, wanted: &str) -> bool {
        self.coding.iter().any(|coding| coding.code.as_deref() == Some(wanted))
    }

    fn find(&self, system: &str) -> Option<&str> {
        self.coding.iter().find(|coding| coding.system.as_deref() == Some(system)).map(|coding| text(&coding.code))
    }

    fn code(&self, system: &str) -> &str {
        self.find(system).unwrap_or("")
    }
}

fn extension<'a, 'b>(of: &'a [Extension<'b>], url: &str) -> Option<&'a Extension<'b>> {
    of.iter().find(|extension| extension.url.as_deref() == Some(url))
}

fn coded<'a>(of: &'a [Extension<'_>], url: &str) -> &'a str {
    extension(of, url).map_or("", |extension| text(&extension.value_coding.code))
}

fn amount(of: &[Adjudication<'_>], code: &str) -> String {
    let value = of.iter().find(|one| one.category.has(code)).and_then(|one| one.amount.value);
    value.map_or(String::new(), |value| value.to_string())
}

fn rows(claim: &Claim<'_>, writer: &mut csv::Writer<Vec<u8>>) -> Result<()> {
    if !claim.kind.has("CARRIER") {
        return Ok(());
    }
    let id = claim.identifier.iter().find(|one| one.system.as_deref() == Some(variable!("clm_id")));
    let control = extension(&claim.extension, variable!("carr_clm_cntl_num"));
    let performing = claim.care_team.iter().find(|member| member.role.has("performing"));
    let diagnosis = claim
        .diagnosis
        .iter()
        .find_map(|diagnosis| diagnosis.diagnosis_codeable_concept.find("http://hl7.org/fhir/sid/icd-10-cm"));
    for item in &claim.item {
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        writer.write_record([
            id.map_or("", |id| text(&id.value)),
            text(&claim.patient.reference),
            claim.kind.code(variable!("nch_clm_type_cd")),
            text(&claim.billable_period.start),
            text(&claim.billable_period.end),
            text(&claim.disposition),
            control.map_or("", |extension| text(&extension.value_identifier.value)),
            coded(&claim.extension, variable!("carr_clm_pmt_dnl_cd")),
            performing.map_or("", |member| text(&member.provider.identifier.value)),
            performing.map_or("", |member| member.qualification.code(variable!("prvdr_spclty"))),
            diagnosis.unwrap_or(""),
            &item.sequence.map_or(String::new(), |sequence| sequence.to_string()),
            text(&item.serviced_period.start),
            text(&item.serviced_period.end),
            item.product_or_service.code(HCPCS),
            item.modifier.iter().find_map(|modifier| modifier.find(HCPCS)).unwrap_or(""),
            item.location_codeable_concept.code(variable!("line_place_of_srvc_cd")),
            coded(&item.extension, variable!("betos_cd")),
            coded(&item.extension, variable!("line_prcsg_ind_cd")),
            coded(&item.extension, variable!("line_bene_prmry_pyr_cd")),
            &number(item.quantity.value),
            &amount(&item.adjudication, variable!("line_nch_pmt_amt")),
            &amount(&item.adjudication, variable!("line_sbmtd_chrg_amt")),
            &amount(&item.adjudication, variable!("line_alowd_chrg_amt")),
        ])?;
    }
    Ok(())
}

/// CSV of the lines whose first byte is in a range.
fn part(path: &str, start: u64, end: u64) -> Result<Vec<u8>> {
    let mut file = BufReader::with_capacity(512 << 10, File::open(path)?);
    let mut at = start;
    let mut line = Vec::new();
    if start > 0 {
        file.seek(SeekFrom::Start(start - 1))?;
        at = start - 1 + file.read_until(b'\n', &mut line)? as u64;
    }
    let mut buffers = simd_json::Buffers::default();
    let mut writer = csv::Writer::from_writer(Vec::new());
    while at < end {
        line.clear();
        let read = file.read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        at += read as u64;
        let claim: Claim<'_> =
            simd_json::serde::from_slice_with_buffers(&mut line, &mut buffers).map_err(std::io::Error::other)?;
        rows(&claim, &mut writer)?;
    }
    writer.into_inner().map_err(|error| error.into_error())
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let threads: u64 = arguments.next().and_then(|n| n.parse().ok()).expect("a number of threads");
    let out = arguments.next().expect("a file to write to");
    let started = Instant::now();
    let mut out = File::create(out)?;
    out.write_all(COLUMNS.as_bytes())?;
    for path in arguments {
        let size = std::fs::metadata(&path)?.len();
        let path = &path;
        let parts: Vec<Result<Vec<u8>>> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads)
                .map(|n| scope.spawn(move || part(path, size * n / threads, size * (n + 1) / threads)))
                .collect();
            handles.into_iter().map(|handle| handle.join().expect("no panic")).collect()
        });
        for part in parts {
            out.write_all(&part?)?;
        }
    }
    println!("{}", started.elapsed().as_secs_f64());
    Ok(())
}
