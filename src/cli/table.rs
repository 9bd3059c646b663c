//! Plain aligned columns for a terminal.

/// Lines of cells under a header, columns padded to their widest cell; numbers to the right.
#[derive(Debug, Default)]
pub struct Columns {
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// With a header.
    pub fn new(header: &[&str]) -> Columns {
        Columns { rows: vec![header.iter().map(ToString::to_string).collect()] }
    }

    /// Appends a row of as many cells as the header has.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl ToString>) {
        self.rows.push(cells.into_iter().map(|cell| cell.to_string()).collect());
    }

    /// Rows without the header.
    pub fn len(&self) -> usize {
        self.rows.len() - 1
    }
}

impl std::fmt::Display for Columns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.rows[0].len();
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..count).map(width).collect();
        let number = |cell: &str| !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_digit() || b"-.,".contains(&b));
        let numeric: Vec<bool> =
            (0..count).map(|column| self.len() > 0 && self.rows[1..].iter().all(|row| row[column].is_empty() || number(&row[column]))).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[column] - cell.chars().count());
                line.push_str(if column == 0 { "  " } else { "   " });
                if numeric[column] {
                    line.push_str(&pad);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&pad);
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut columns = Columns::new(&["table", "rows"]);
        columns.row(["CCLF1", "7"]);
        columns.row(["CCLF10", "1234"]);
        assert_eq!(columns.to_string(), "  table    rows\n  CCLF1       7\n  CCLF10   1234\n");
    }
}
