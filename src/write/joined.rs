//! Small batches joined to larger ones: a chunk of input gives a few rows of a table, and every batch costs what its columns
//! cost, however few its rows are, to whoever keeps it and to whoever works a batch at a time.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

/// Rows of a joined batch at least, but for the last.
pub const BATCH: usize = 8192;

/// Batches kept apart: as one they need a fraction of the memory.
const APART: usize = 64;

/// Rows of one table that wait until there are enough of them.
#[derive(Debug)]
pub struct Joined {
    schema: SchemaRef,
    fewest: usize,
    pending: Vec<RecordBatch>,
    rows: usize,
}

impl Joined {
    /// Batches of this schema, joined to `fewest` rows or more.
    pub fn new(schema: SchemaRef, fewest: usize) -> Joined {
        Joined { schema, fewest, pending: Vec::new(), rows: 0 }
    }

    /// Adds rows behind the others; gives all of them as soon as they are enough.
    pub fn push(&mut self, batch: RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
        self.rows += batch.num_rows();
        self.pending.push(batch);
        if self.rows >= self.fewest {
            return self.rest();
        }
        if self.pending.len() == APART {
            self.pending = vec![concat_batches(&self.schema, &self.pending)?];
        }
        Ok(None)
    }

    /// What waits still.
    pub fn rest(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let rows = std::mem::take(&mut self.rows);
        let pending = std::mem::take(&mut self.pending);
        if rows == 0 { Ok(None) } else { concat_batches(&self.schema, &pending).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int32Array};
    use arrow::datatypes::{DataType, Field, Int32Type, Schema};

    use super::*;

    #[test]
    fn rows_stay_in_order_and_are_never_fewer_but_the_last() {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int32, false)]));
        let batch = |numbers: std::ops::Range<i32>| {
            RecordBatch::try_new(schema.clone(), vec![Arc::new(Int32Array::from_iter_values(numbers))]).unwrap()
        };
        let mut joined = Joined::new(schema.clone(), 100);
        let mut found = Vec::new();
        let mut next = 0;
        for size in std::iter::repeat_n(1, 150).chain([0, 250, 7, 92, 1, 3]) {
            found.extend(joined.push(batch(next..next + size)).unwrap());
            next += size;
        }
        found.extend(joined.rest().unwrap());
        assert!(joined.rest().unwrap().is_none());
        let sizes: Vec<usize> = found.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(sizes, [100, 300, 100, 3]);
        let numbers: Vec<i32> =
            found.iter().flat_map(|batch| batch.column(0).as_primitive::<Int32Type>().values().to_vec()).collect();
        assert_eq!(numbers, (0..next).collect::<Vec<_>>());
    }
}
