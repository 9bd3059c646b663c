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
    /// what the row maker knows of this row: `product`, `number`
    Row,
}

const ROOTS: [(&str, Root); 10] = [
    ("eob", Root::Eob),
    ("item", Root::Item),
    ("px", Root::Procedure),
    ("dx", Root::Diagnosis),
    ("patient", Root::Patient),
    ("coverage", Root::Coverage),
    ("mbi", Root::Mbi),
    ("former", Root::Former),
    ("hospice", Root::Hospice),
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
        let mut parser = Parser { text, at: 0 };
        parser.blanks();
        if parser.rest() == "-" {
            return Ok(Cell { alternatives: Vec::new() });
        }
        let mut alternatives = vec![parser.alternative()?];
        loop {
            parser.blanks();
            if parser.at == text.len() {
                return Ok(Cell { alternatives });
            }
            parser.expect("|", "`|` or the end of the cell")?;
            parser.blanks();
            alternatives.push(parser.alternative()?);
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn fault<T>(&self, expected: &str) -> Result<T, Fault> {
        let found = match self.rest().chars().next() {
            Some(c) => format!("`{c}`"),
            None => "the end".to_string(),
        };
        Err(Fault {
            column: self.text[..self.at].chars().count() + 1,
            message: format!("expected {expected}, found {found}"),
        })
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let hit = self.rest().starts_with(token);
        if hit {
            self.at += token.len();
        }
        hit
    }

    fn expect(&mut self, token: &str, expected: &str) -> Result<(), Fault> {
        if self.eat(token) { Ok(()) } else { self.fault(expected) }
    }

    fn close(&mut self) -> Result<(), Fault> {
        self.blanks();
        self.expect(")", "`)`")
    }

    fn word(&mut self) -> Result<String, Fault> {
        let length = self.rest().bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if length == 0 {
            return self.fault("a name");
        }
        let word = self.rest()[..length].to_string();
        self.at += length;
        Ok(word)
    }

    fn number(&mut self) -> Result<usize, Fault> {
        self.blanks();
        let length = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        match self.rest()[..length].parse() {
            Ok(number) => {
                self.at += length;
                Ok(number)
            }
            Err(_) => self.fault("a whole number"),
        }
    }

    fn literal(&mut self) -> Result<String, Fault> {
        self.blanks();
        self.expect("'", "a literal in single quotes")?;
        match self.rest().find('\'') {
            Some(length) => {
                let literal = self.rest()[..length].to_string();
                self.at += length + 1;
                Ok(literal)
            }
            None => self.fault("a closing quote"),
        }
    }

    fn alternative(&mut self) -> Result<Alternative, Fault> {
        let source =
            if self.rest().starts_with('\'') { Source::Literal(self.literal()?) } else { Source::Path(self.path()?) };
        let mut calls = Vec::new();
        let mut fill = false;
        while self.eat(".") {
            let start = self.at;
            let name = self.word()?;
            if !self.eat("(") {
                self.at = start;
                return self.fault("a call; members come before picks and calls");
            }
            match name.as_str() {
                "translate" => calls.push(Call::Translate(self.literal()?)),
                "substring" => {
                    let from = self.number()?;
                    let count = if self.eat(",") { Some(self.number()?) } else { None };
                    calls.push(Call::Substring(from, count));
                }
                "right" => calls.push(Call::Right(self.number()?)),
                "replace" => {
                    let from = self.literal()?;
                    self.blanks();
                    self.expect(",", "`,`")?;
                    calls.push(Call::Replace(from, self.literal()?));
                }
                "zeroPad" => calls.push(Call::ZeroPad(self.number()?)),
                "select" => calls.push(Call::Select(self.literal()?)),
                "ageOn" => calls.push(Call::AgeOn(self.path()?)),
                "cut" => calls.push(Call::Cut),
                "fill" => fill = true,
                _ => {
                    self.at = start;
                    return self
                        .fault("one of translate, substring, right, replace, zeroPad, select, ageOn, cut, fill");
                }
            }
            self.close()?;
        }
        Ok(Alternative { source, calls, fill })
    }

    fn path(&mut self) -> Result<Path, Fault> {
        self.expect("%", "a path that begins with `%`, or a literal in quotes")?;
        let start = self.at;
        let Some(root) = Root::parse(&self.word()?) else {
            self.at = start;
            return self.fault("one of eob, item, px, dx, patient, coverage, mbi, former, hospice, row");
        };
        let nth = if self.eat("[") {
            let n = self.number()?;
            self.expect("]", "`]`")?;
            Some(n)
        } else {
            None
        };
        let mut path = Path { root, nth, steps: Vec::new(), pick: Pick::Single, unless: Vec::new() };
        loop {
            let before = self.at;
            if self.eat("[") {
                let n = self.number()?;
                self.expect("]", "`]`")?;
                if self.member_follows() {
                    path.steps.push(Step::Index(n));
                } else {
                    path.pick = Pick::Nth(n);
                    return Ok(path);
                }
                continue;
            }
            if !self.eat(".") {
                return Ok(path);
            }
            let name = self.word()?;
            if !self.rest().starts_with('(') {
                path.steps.push(Step::Key(name));
                continue;
            }
            match name.as_str() {
                "where" if self.eat("($this") => {
                    self.at = before;
                    self.unless(&mut path)?;
                }
                "where" => {
                    self.at += 1;
                    self.conditions(&mut path.steps)?;
                    self.close()?;
                }
                "extension" => {
                    self.at += 1;
                    let url = Literal::Is(self.literal()?);
                    self.close()?;
                    path.steps.push(Step::Key("extension".into()));
                    path.steps.push(Step::Where(Test { path: vec!["url".into()], accept: vec![url] }));
                }
                "first" => {
                    self.at += 1;
                    self.close()?;
                    if self.member_follows() {
                        path.steps.push(Step::Index(0));
                    } else {
                        path.pick = Pick::First;
                        return Ok(path);
                    }
                }
                "last" | "join" => {
                    self.at += 1;
                    self.close()?;
                    path.pick = if name == "last" { Pick::Last } else { Pick::Join };
                    return Ok(path);
                }
                _ => {
                    self.at = before;
                    return Ok(path);
                }
            }
        }
    }

    /// Whether a member (not a call) comes next.
    fn member_follows(&self) -> bool {
        let Some(rest) = self.rest().strip_prefix('.') else { return false };
        let name = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        name > 0 && (!rest[name..].starts_with('(') || rest.starts_with("where("))
    }

    /// `.where($this != 'a' and $this != 'b')`
    fn unless(&mut self, path: &mut Path) -> Result<(), Fault> {
        self.expect(".where(", "`.where(`")?;
        loop {
            self.blanks();
            self.expect("$this", "`$this`")?;
            self.blanks();
            self.expect("!=", "`!=`")?;
            path.unless.push(self.literal()?);
            self.blanks();
            if !self.eat("and ") {
                return self.close();
            }
        }
    }

    fn conditions(&mut self, steps: &mut Vec<Step>) -> Result<(), Fault> {
        loop {
            self.blanks();
            let step = self.condition()?;
            steps.push(step);
            self.blanks();
            if !self.eat("and ") {
                return Ok(());
            }
        }
    }

    fn condition(&mut self) -> Result<Step, Fault> {
        if self.eat("(") {
            self.blanks();
            let step = self.condition()?;
            self.close()?;
            if !self.eat(".not()") {
                return Ok(step);
            }
            return match step {
                Step::Linked(Link::Sequence { lists, .. }) => Ok(Step::Linked(Link::Sequence { lists, negated: true })),
                _ => self.fault("`.not()` only after `(sequence in ...)`"),
            };
        }
        if self.rest().starts_with('\'') {
            let hash = self.literal()?;
            self.blanks();
            if hash != "#" || !self.eat("+") {
                return self.fault("`'#' + id = %eob.reference`");
            }
            self.blanks();
            self.expect("id", "`id`")?;
            self.blanks();
            self.expect("=", "`=`")?;
            self.blanks();
            let (root, members) = self.list()?;
            if root != Root::Eob {
                return self.fault("a reference of the claim (`%eob...`)");
            }
            return Ok(Step::Linked(Link::Reference(members)));
        }
        let start = self.at;
        let test = self.test()?;
        self.blanks();
        if test.accept.is_empty() && test.path == ["sequence"] && self.eat("in ") {
            self.blanks();
            let mut lists = Vec::new();
            if self.eat("(") {
                loop {
                    self.blanks();
                    lists.push(self.list()?);
                    self.blanks();
                    if !self.eat("|") {
                        break;
                    }
                }
                self.close()?;
            } else {
                lists.push(self.list()?);
            }
            return Ok(Step::Linked(Link::Sequence { lists, negated: false }));
        }
        let mut test = test;
        while self.eat("or ") {
            self.blanks();
            let other = self.test()?;
            if other.path != test.path || other.accept.is_empty() != test.accept.is_empty() {
                self.at = start;
                return self.fault("`or` between tests of one member");
            }
            test.accept.extend(other.accept);
            self.blanks();
        }
        Ok(Step::Where(test))
    }

    /// `%item.a.b`
    fn list(&mut self) -> Result<(Root, Vec<String>), Fault> {
        self.expect("%", "a path that begins with `%`")?;
        let Some(root) = Root::parse(&self.word()?) else { return self.fault("a known root") };
        let mut members = Vec::new();
        while self.eat(".") {
            members.push(self.word()?);
        }
        if members.is_empty() { self.fault("a member") } else { Ok((root, members)) }
    }

    fn test(&mut self) -> Result<Test, Fault> {
        let mut path = Vec::new();
        loop {
            let name = self.word()?;
            if self.eat("(") {
                match name.as_str() {
                    "startsWith" => {
                        let prefix = self.literal()?;
                        self.close()?;
                        return Ok(Test { path, accept: vec![Literal::StartsWith(prefix)] });
                    }
                    "exists" => {
                        self.close()?;
                        return Ok(Test { path, accept: Vec::new() });
                    }
                    "where" => {
                        let mut steps = Vec::new();
                        self.conditions(&mut steps)?;
                        self.close()?;
                        self.expect(".exists()", "`.exists()`")?;
                        let [Step::Where(inner)] = steps.as_slice() else {
                            return self.fault("one test inside a nested `where`");
                        };
                        path.extend(inner.path.iter().cloned());
                        return Ok(Test { path, accept: inner.accept.clone() });
                    }
                    _ => return self.fault("`startsWith`, `where` or `exists`"),
                }
            }
            path.push(name);
            if self.eat(".") {
                continue;
            }
            self.blanks();
            if self.eat("=") {
                let literal = self.literal()?;
                return Ok(Test { path, accept: vec![Literal::Is(literal)] });
            }
            return Ok(Test { path, accept: Vec::new() });
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
        assert_eq!(fault("%eob.id %eob.id"), "column 9: expected `|` or the end of the cell, found `%`");
    }
}
