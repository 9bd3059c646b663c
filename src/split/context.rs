//! What every split must know of the others: the MBI in force of each Patient.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};

use super::options::Options;
use super::plan::Split;
use crate::error::{Error, Result};
use crate::job::{Beneficiaries, Observer, Piece, Silent};
use crate::read::Source;
use crate::report::Report;

/// Patients and their MBIs, shared by all splits of a process.
#[derive(Debug, Clone, Default)]
pub struct Context {
    people: Arc<Beneficiaries>,
    /// Patients were looked for in every file
    pub(crate) is_thorough: bool,
}

/// Columns of the Arrow form.
const COLUMNS: [&str; 2] = ["patient_id", "mbi"];

impl Context {
    /// Reads the Patients of a plan's files. Files that begin with a claim are not opened, unless
    /// [`thorough`](Options::thorough). The report counts Patients and Coverages.
    pub fn of(splits: &[Split], options: &Options) -> Result<(Context, Report)> {
        Context::observed(splits, options, &mut Silent)
    }

    /// The same, for who wants to be told, or to interrupt it.
    pub fn observed(splits: &[Split], options: &Options, observer: &mut dyn Observer) -> Result<(Context, Report)> {
        let Some(api) = splits.first().map(|split| split.api) else {
            return Err(Error::Usage("expected splits, found none".to_string()));
        };
        let mut files: BTreeMap<u32, &Split> = BTreeMap::new();
        for split in splits {
            files.insert(split.file, split);
        }
        let files: Vec<&&Split> = files.values().filter(|split| options.thorough || !split.is_of_claims()).collect();
        let sources: Vec<Source> = files.iter().map(|split| whole(split)).collect::<Result<_>>()?;
        let job = options.job(None, api)?;
        let (people, report) = Piece::new(&job, &sources, Vec::new())?.people(observer)?;
        Ok((Context { people: Arc::new(people), is_thorough: options.thorough }, report))
    }

    pub(crate) fn people(&self) -> &Beneficiaries {
        &self.people
    }

    /// Patients, those that were merged into another one too.
    pub fn len(&self) -> usize {
        self.people.numbers().count()
    }

    /// No Patient is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As a table of two text columns: `patient_id`, and `mbi`, which is null if a Patient has none.
    pub fn to_arrow(&self) -> Result<RecordBatch> {
        let (mut ids, mut numbers) = (StringBuilder::new(), StringBuilder::new());
        for (id, number) in self.people.numbers() {
            ids.append_value(id);
            numbers.append_option((!number.is_empty()).then_some(number));
        }
        let [id, mbi] = COLUMNS;
        let schema = Schema::new(vec![Field::new(id, DataType::Utf8, false), Field::new(mbi, DataType::Utf8, true)])
            .with_metadata([("claimfeed.thorough".to_string(), self.is_thorough.to_string())].into());
        let columns: [ArrayRef; 2] = [Arc::new(ids.finish()), Arc::new(numbers.finish())];
        RecordBatch::try_new(Arc::new(schema), columns.to_vec())
            .map_err(|error| Error::Write { table: "the context".to_string(), message: error.to_string() })
    }

    /// From batches with the columns of [`to_arrow`](Context::to_arrow), text of any kind, others besides.
    pub fn from_arrow(batches: impl IntoIterator<Item = RecordBatch>) -> Result<Context> {
        let mut people = Beneficiaries::default();
        let mut is_thorough = false;
        for batch in batches {
            is_thorough |= batch.schema().metadata().get("claimfeed.thorough").is_some_and(|text| text == "true");
            let [ids, numbers] = [texts(&batch, COLUMNS[0])?, texts(&batch, COLUMNS[1])?];
            let (ids, numbers) = (ids.as_any().downcast_ref(), numbers.as_any().downcast_ref());
            let (Some(ids), Some(numbers)): (Option<&StringArray>, Option<&StringArray>) = (ids, numbers) else {
                continue;
            };
            for (id, number) in ids.iter().zip(numbers) {
                people.know(id.unwrap_or_default(), number.unwrap_or_default());
            }
        }
        Ok(Context { people: Arc::new(people), is_thorough })
    }
}

fn whole(split: &Split) -> Result<Source> {
    Source::part(Path::new(&split.path), 0..u64::MAX)
}

fn texts(batch: &RecordBatch, name: &str) -> Result<ArrayRef> {
    let wrong = || Error::Usage(format!("expected a context with text columns {COLUMNS:?}, found no `{name}`"));
    cast(batch.column_by_name(name).ok_or_else(wrong)?, &DataType::Utf8).map_err(|_| wrong())
}
