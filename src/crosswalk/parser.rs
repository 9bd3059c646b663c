//! The parser of crosswalk cells: recursive descent over the grammar that [`path`](super::path) states.
//!
//! It gives the first fault with its column; it knows no tables and no maps.

use super::path::{Alternative, Call, Fault, Link, Literal, Path, Pick, Root, Source, Step, Test};
use super::picture::WIDEST;

/// Brackets of conditions within each other; the shipped cells need 3. Without an end to it a cell could end the
/// process: recursion has only the stack.
const MAX_DEPTH: usize = 32;

/// Reads one cell from left to right.
pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// brackets of conditions that are open
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Parser { text, at: 0, depth: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    pub(super) fn rest(&self) -> &str {
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

    pub(super) fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let hit = self.rest().starts_with(token);
        if hit {
            self.at += token.len();
        }
        hit
    }

    pub(super) fn expect(&mut self, token: &str, expected: &str) -> Result<(), Fault> {
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
            // Wider than any cell: each place takes memory for every record.
            Ok(number) if number <= WIDEST => {
                self.at += length;
                Ok(number)
            }
            _ => self.fault(&format!("a whole number up to {WIDEST}")),
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

    pub(super) fn alternative(&mut self) -> Result<Alternative, Fault> {
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
        if self.depth == MAX_DEPTH {
            return self.fault("conditions in at most 32 brackets");
        }
        // Not given back after a fault: the first one ends the parsing.
        self.depth += 1;
        let step = self.shallow_condition()?;
        self.depth -= 1;
        Ok(step)
    }

    fn shallow_condition(&mut self) -> Result<Step, Fault> {
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
