//! One row of a table: the texts of its cells, and nothing about how they are written.
//!
//! Rows are made one at a time into the same memory and handed to the encoders by reference.

/// Stands behind every cell: what most encoders write is then there in one piece.
pub const MARK: u8 = b',';

/// Texts of the cells of one row, in layout order. A blank cell has no text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// of all cells, a [`MARK`] behind each
    text: Vec<u8>,
    /// positions behind the marks
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
    #[inline]
    pub fn end_cell(&mut self) {
        self.text.push(MARK);
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
        &self.text[start..self.ends[at] as usize - 1]
    }

    /// The texts of all cells, one after another, a [`MARK`] behind each.
    #[inline]
    pub fn marked(&self) -> &[u8] {
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
            let cell = &self.text[start..*end as usize - 1];
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
        *first += u32::from(first_end > 1);
        for ((count, start), end) in counts[1..len].iter_mut().zip(ends).zip(&ends[1..]) {
            *count += u32::from(end - start > 1);
        }
    }

    /// The row in the least memory, to be kept.
    pub fn pack(&self) -> Packed {
        // Most cells are short, and the length of a short one is one byte: seven bits each, the last one without the eighth.
        let mut bytes = Vec::with_capacity(self.text.len());
        for cell in self.cells() {
            let mut length = cell.len();
            while length >= 0x80 {
                bytes.push(length as u8 | 0x80);
                length >>= 7;
            }
            bytes.push(length as u8);
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
    pub fn cells(&self) -> Cells<'_> {
        Cells::of(&self.0)
    }

    /// To be kept in another row's cell; [`Cells::of`] reads them.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The cells of a packed row, one after another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cells<'p>(&'p [u8]);

impl<'p> Cells<'p> {
    /// Of what [`Packed::bytes`] gave.
    pub fn of(bytes: &'p [u8]) -> Cells<'p> {
        Cells(bytes)
    }

    /// The rest of them, to be kept.
    pub fn to_packed(&self) -> Packed {
        Packed(self.0.into())
    }
}

impl<'p> Iterator for Cells<'p> {
    type Item = &'p [u8];

    fn next(&mut self) -> Option<&'p [u8]> {
        let (mut length, mut shift) = (0, 0);
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if *byte < 0x80 {
                break;
            }
        }
        let (cell, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(cell)
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
        for length in [127, 128, 16_383, 16_384, 70_000] {
            row.push(&vec![b'x'; length]);
            assert_eq!(row.pack().cells().last().map(<[u8]>::len), Some(length));
        }
        assert!(row.pack().cells().eq(row.cells()));
        assert_eq!(row.pack().cells().to_packed(), row.pack());
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
