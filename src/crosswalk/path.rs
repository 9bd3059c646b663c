//! The language of a crosswalk cell: a small FHIRPath subset, parsed into [`Cell`].
//!
//! ```text
//! cell        = "-"  |  alternative { " | " alternative }       the first alternative that gives a value counts
//! alternative = ( 'literal' | path ) { call }
//! path        = root { ".key"  |  "[n]"  |  ".first()"  |  ".where(...)"  |  ".extension('url')" } [ pick ]
//! pick        = ".first()" | ".last()" | "[n]" | ".join()" | ".where($this != '..' and ...)"
//! call        = ".translate('map')" | ".substring(from[,count])" | ".right(n)" | ".replace('a','b')"
//!             | ".zeroPad(n)" | ".select('literal')" | ".ageOn(path)" | ".cut()" | ".fill()"
//! where       = test { " and " test };  test = key.key='x' [or key.key='y'] | key.startsWith('x') | key.exists()
//!             | key.where(test).exists() | sequence in %item.list [.not()] | '#' + id = %eob.reference
//! ```
//! A path without a pick expects one value; two different ones are reported as ambiguous and the first is used.
//! `.fill()` marks a value that stands in for one the API does not serve: each use is counted in the summary.
//! This module knows syntax only: no tables, no maps, no JSON.

use std::fmt;

use super::parser::Parser;

/// Where a path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Root {
    /// the ExplanationOfBenefit
    Eob,
    /// this row's `item`
    Item,
    /// this row's `procedure`
    Procedure,
    /// this row's `diagnosis`, or with an index the n-th as `diagnoses.csv` orders them
    Diagnosis,
    /// the Patient
    Patient,
    /// the beneficiary's Coverages
    Coverage,
    /// the beneficiary's MBI in force
    Mbi,
    /// this row's former MBI
    Former,
    /// the beneficiary's hospice claims
    Hospice,
    /// the ClaimResponse of a partially adjudicated claim of v2
    Response,
    /// what the row maker knows of this row: `product`, `number`
    Row,
}

const ROOTS: [(&str, Root); 11] = [
    ("eob", Root::Eob),
    ("item", Root::Item),
    ("px", Root::Procedure),
    ("dx", Root::Diagnosis),
    ("patient", Root::Patient),
    ("coverage", Root::Coverage),
    ("mbi", Root::Mbi),
    ("former", Root::Former),
    ("hospice", Root::Hospice),
    ("response", Root::Response),
    ("row", Root::Row),
];

impl Root {
    /// The name after the `%`.
    pub fn name(self) -> &'static str {
        ROOTS.iter().find(|(_, root)| *root == self).map_or("", |(name, _)| name)
    }

    /// The root of a name without its `%`.
    pub fn parse(name: &str) -> Option<Root> {
        ROOTS.iter().find(|(known, _)| *known == name).map(|(_, root)| *root)
    }
}

/// A parsed cell: alternatives in order of preference; none for `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// empty: the API does not serve the field
    pub alternatives: Vec<Alternative>,
}

/// One way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// where the text comes from
    pub source: Source,
    /// what is done to it, in order
    pub calls: Vec<Call>,
    /// stands in for a value that is not served
    pub fill: bool,
}

/// Where an alternative's text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// a constant
    Literal(String),
    /// a place in a resource
    Path(Path),
}

/// A place in a resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// where it starts
    pub root: Root,
    /// for `%dx[n]`: 0-based
    pub nth: Option<usize>,
    /// the way down
    pub steps: Vec<Step>,
    /// which of several values
    pub pick: Pick,
    /// values that count as absent (`where($this != '**')`)
    pub unless: Vec<String>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// a member; through arrays it means every element's member
    Key(String),
    /// the element of this 0-based position of the array just entered
    Index(usize),
    /// only elements that pass
    Where(Test),
    /// only elements that the row or the record points to
    Linked(Link),
}

/// A test on an element: some value found at `path` is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Test {
    /// members, through arrays
    pub path: Vec<String>,
    /// empty: any value will do (`exists()`)
    pub accept: Vec<Literal>,
}

/// What a test accepts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Literal {
    /// this text
    Is(String),
    /// any text that begins so
    StartsWith(String),
}

impl Literal {
    /// Whether the literal accepts a text.
    pub fn accepts(&self, text: &str) -> bool {
        match self {
            Literal::Is(expected) => expected == text,
            Literal::StartsWith(prefix) => text.starts_with(prefix.as_str()),
        }
    }
}

/// How one element points to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Link {
    /// the element's `sequence` is in the first of these lists that has any member
    Sequence {
        /// root and members of each list
        lists: Vec<(Root, Vec<String>)>,
        /// `.not()`: it is in none of them
        negated: bool,
    },
    /// `#` and the element's `id` is the reference at this place of the record
    Reference(Vec<String>),
}

/// Which of several values a path gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pick {
    /// there should be one; a second, different one is an issue
    Single,
    /// the first
    First,
    /// the last
    Last,
    /// the n-th, 0-based
    Nth(usize),
    /// all of them, concatenated
    Join,
}

/// What is done to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// through a map of codes.csv
    Translate(String),
    /// characters from a 0-based position, at most so many
    Substring(usize, Option<usize>),
    /// the last n characters
    Right(usize),
    /// every occurrence
    Replace(String, String),
    /// zeros in front of an all-digit code, to this width
    ZeroPad(usize),
    /// a constant instead of the value
    Select(String),
    /// full years from this date to the date at the path
    AgeOn(Path),
    /// may be shortened to the picture's width
    Cut,
}

/// Why a cell does not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// 1-based character of the cell
    pub column: usize,
    /// expectation and finding
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)
    }
}

impl Cell {
    /// Parses a cell; `-` has no alternatives.
    pub fn parse(text: &str) -> Result<Cell, Fault> {
        let mut parser = Parser::new(text);
        parser.blanks();
        if parser.rest() == "-" {
            return Ok(Cell { alternatives: Vec::new() });
        }
        let mut alternatives = vec![parser.alternative()?];
        loop {
            parser.blanks();
            if parser.is_at_end() {
                return Ok(Cell { alternatives });
            }
            parser.expect("|", "`|` or the end of the cell")?;
            parser.blanks();
            alternatives.push(parser.alternative()?);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_path(text: &str) -> Path {
        match Cell::parse(text).unwrap().alternatives.remove(0).source {
            Source::Path(path) => path,
            Source::Literal(_) => panic!("a literal"),
        }
    }

    fn is(path: &[&str], text: &str) -> Step {
        Step::Where(Test {
            path: path.iter().map(ToString::to_string).collect(),
            accept: vec![Literal::Is(text.into())],
        })
    }

    #[test]
    fn members_slices_and_indices() {
        let path =
            only_path("%eob.supportingInfo.where(category.coding.where(code='drg').exists()).code.coding.first().code");
        assert_eq!(path.root, Root::Eob);
        assert_eq!(
            path.steps,
            [
                Step::Key("supportingInfo".into()),
                is(&["category", "coding", "code"], "drg"),
                Step::Key("code".into()),
                Step::Key("coding".into()),
                Step::Index(0),
                Step::Key("code".into()),
            ]
        );
        assert_eq!(path.pick, Pick::Single);
        assert_eq!(only_path("%item.modifier.coding.code[3]").pick, Pick::Nth(3));
        assert_eq!(only_path("%patient.name[0].given[1]").steps[1], Step::Index(0));
        assert_eq!(only_path("%dx[11].sequence").nth, Some(11));
        assert_eq!(only_path("%eob.item.x.code.first().substring(0,2)").pick, Pick::First);
        assert_eq!(only_path("%dx.onAdmission.coding.code.join()").pick, Pick::Join);
    }

    #[test]
    fn links_by_sequence_and_reference() {
        let path = only_path(
            "%eob.careTeam.where(role.coding.where(code='primary').exists() and (sequence in %eob.item.careTeamLinkId).not()).x",
        );
        assert_eq!(
            path.steps[2],
            Step::Linked(Link::Sequence {
                lists: vec![(Root::Eob, vec!["item".into(), "careTeamLinkId".into()])],
                negated: true
            })
        );
        let path = only_path("%eob.careTeam.where(sequence in (%item.careTeamSequence | %item.sequence)).x");
        assert!(matches!(&path.steps[1], Step::Linked(Link::Sequence { lists, negated: false }) if lists.len() == 2));
        let path = only_path("%eob.contained.where('#' + id = %eob.provider.reference).x");
        assert_eq!(path.steps[1], Step::Linked(Link::Reference(vec!["provider".into(), "reference".into()])));
    }

    #[test]
    fn alternatives_calls_and_fills() {
        let cell = Cell::parse("%eob.a.translate('m').zeroPad(2) | 'x'.fill()").unwrap();
        assert_eq!(cell.alternatives.len(), 2);
        assert_eq!(cell.alternatives[0].calls, [Call::Translate("m".into()), Call::ZeroPad(2)]);
        assert!(cell.alternatives[1].fill);
        assert!(Cell::parse("-").unwrap().alternatives.is_empty());
    }

    #[test]
    fn null_words_and_prefixes() {
        let path = only_path(
            "%coverage.where(id.startsWith('part-a')).extension.where(url.startsWith('u/a') or url.startsWith('u/b')).valueCoding.code.where($this != '**' and $this != '*').last()",
        );
        assert_eq!(path.unless, ["**", "*"]);
        assert_eq!(path.pick, Pick::Last);
        assert!(matches!(&path.steps[2], Step::Where(test) if test.accept.len() == 2));
    }

    #[test]
    fn faults_name_the_column_and_the_expectation() {
        let fault = |text: &str| Cell::parse(text).unwrap_err().to_string();
        assert_eq!(
            fault("eob.id"),
            "column 1: expected a path that begins with `%`, or a literal in quotes, found `e`"
        );
        assert_eq!(fault("%eob.where(id='x)"), "column 16: expected a closing quote, found `x`");
        assert_eq!(
            fault("%eob.id.upper()"),
            "column 9: expected one of translate, substring, right, replace, zeroPad, select, ageOn, cut, fill, found `u`"
        );
        assert_eq!(
            fault("%claim.id"),
            "column 2: expected one of eob, item, px, dx, patient, coverage, mbi, former, hospice, row, found `c`"
        );
        let deep = |open: &str| fault(&format!("%eob.where({}", open.repeat(100_000)));
        assert_eq!(deep("("), "column 44: expected conditions in at most 32 brackets, found `(`");
        assert_eq!(deep("a.where("), "column 268: expected conditions in at most 32 brackets, found `a`");
        assert_eq!(fault("%eob.id %eob.id"), "column 9: expected `|` or the end of the cell, found `%`");
    }
}
