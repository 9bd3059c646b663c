//! One row of a table: the texts of its cells, and nothing about how they are written.
//!
//! Rows are made one at a time into the same memory and handed to the encoders by reference.

/// Texts of the cells of one row, in layout order. A blank cell has no text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    text: Vec<u8>,
    ends: Vec<u32>,
}

impl Row {
    /// Forgets all cells.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Appends a cell of this text; an empty text is blank.
    pub fn push(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
        self.end_cell();
    }

    /// The buffer to append a cell's text to; [`end_cell`](Row::end_cell) must follow.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Ends the cell that was being appended.
    pub fn end_cell(&mut self) {
        self.ends.push(self.text.len() as u32);
    }

    /// Appends some cells of another row.
    pub fn push_cells(&mut self, row: &Row, cells: std::ops::Range<usize>) {
        let Some(last) = cells.end.checked_sub(1) else { return };
        let start = if cells.start == 0 { 0 } else { row.ends[cells.start - 1] };
        let base = self.text.len() as u32;
        self.text.extend_from_slice(&row.text[start as usize..row.ends[last] as usize]);
        self.ends.extend(row.ends[cells].iter().map(|end| end - start + base));
    }

    /// The text of a cell; empty is blank.
    pub fn cell(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        &self.text[start..self.ends[at] as usize]
    }

    /// The texts of all cells, one after another.
    #[inline]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cells in order.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let cell = &self.text[start..*end as usize];
            start = *end as usize;
            cell
        })
    }

    /// Counts the cells that are not blank, each in its place. Small counts and no state between cells, so that a
    /// processor counts several at once; the caller adds them up before they can overflow.
    pub fn count_filled(&self, counts: &mut [u32]) {
        let len = counts.len().min(self.ends.len());
        let (Some(first), ends) = (counts.first_mut(), &self.ends[..len]) else { return };
        let Some(&first_end) = ends.first() else { return };
        *first += u32::from(first_end > 0);
        for ((count, start), end) in counts[1..len].iter_mut().zip(ends).zip(&ends[1..]) {
            *count += u32::from(start != end);
        }
    }

    /// The row in the least memory, to be kept.
    pub fn pack(&self) -> Packed {
        let mut bytes = Vec::with_capacity(self.text.len() + 4 * self.ends.len());
        for cell in self.cells() {
            // Lines are at most 64 MB long, and so are cells.
            bytes.extend_from_slice(&(cell.len() as u32).to_le_bytes());
            bytes.extend_from_slice(cell);
        }
        Packed(bytes.into_boxed_slice())
    }
}

/// A row in one allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed(Box<[u8]>);

impl Packed {
    /// The cells in order.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.0[..];
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_first_chunk::<4>()?;
            let (cell, tail) = tail.split_at(u32::from_le_bytes(*length) as usize);
            rest = tail;
            Some(cell)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_every_cell() {
        let mut row = Row::default();
        row.push(b"A");
        row.push(b"");
        row.buffer().extend_from_slice("Zoë".as_bytes());
        row.end_cell();
        assert_eq!(row.cell(2), "Zoë".as_bytes());
        assert_eq!(row.pack().cells().collect::<Vec<_>>(), row.cells().collect::<Vec<_>>());
        row.push(&[b'x'; 70_000]);
        assert_eq!(row.pack().cells().last().map(<[u8]>::len), Some(70_000));
        row.clear();
        assert!(row.is_empty());
        assert_eq!(row.pack().cells().count(), 0);
    }

    #[test]
    fn cells_of_another_row_are_its_cells() {
        let mut row = Row::default();
        ["a", "", "bcd", "ef"].iter().for_each(|cell| row.push(cell.as_bytes()));
        let mut other = Row::default();
        other.push(b"xyz");
        other.push_cells(&row, 1..4);
        other.push_cells(&row, 2..2);
        other.push_cells(&row, 0..1);
        assert_eq!(other.cells().collect::<Vec<_>>(), [&b"xyz"[..], b"", b"bcd", b"ef", b"a"]);
    }

    #[test]
    fn cells_with_a_text_are_counted_each_in_its_place() {
        let mut counts = [0; 3];
        for cells in [["", "a", "bc"], ["", "", "d"], ["", "e", "f"]] {
            let mut row = Row::default();
            cells.iter().for_each(|cell| row.push(cell.as_bytes()));
            row.push(b"beyond the columns that are counted");
            row.count_filled(&mut counts);
        }
        assert_eq!(counts, [0, 2, 3]);
        Row::default().count_filled(&mut counts);
        Row::default().count_filled(&mut []);
        assert_eq!(counts, [0, 2, 3]);
    }
}
