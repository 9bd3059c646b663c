//! From bytes to records: the only door to a JSON parser.
//!
//! The crosswalk's walk asks a [`Cursor`] for members, elements and texts and owns nothing of the record. [`tape`]
//! is the cursor over simd-json's tape, which reads every byte; [`scan`] is the fast one, which reads what it is
//! asked for and sends every odd record to the tape. Both give the same answers. [`view`] has typed views for what
//! code branches on.

pub mod name;
pub mod scan;
pub mod tape;
pub mod view;

pub use name::Name;

/// Which cursor reads the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parser {
    /// [`scan`], with [`tape`] for odd records
    #[default]
    Scan,
    /// [`tape`] for every record
    Tape,
}

/// How much of a record must be sound for its rows to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// what rows are made of, and that strings and brackets are closed
    #[default]
    Used,
    /// every byte
    Full,
}

/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{...}`
    Object,
    /// `[...]`
    Array,
    /// `"..."`
    String,
    /// a number
    Number,
    /// `true` or `false`
    Boolean,
    /// `null`
    Null,
}

/// A captured value: a position that [`Cursor::text`] of the same record reads again. 0 is "absent".
pub type Captured = u64;

/// A string, number or boolean.
#[derive(Debug, Clone, Copy)]
pub struct Scalar<'a, At> {
    /// the string, unescaped, in UTF-8; `None` if it is no string
    pub string: Option<&'a [u8]>,
    /// keeps it for later; never 0
    pub captured: Captured,
    /// where the value ends
    pub end: At,
}

/// What goes on after a member.
#[derive(Debug, Clone, Copy)]
pub enum Step<At> {
    /// the next member; this one's value ends there
    Past(At),
    /// no more of this object; this member's value ends there
    Leave(At),
}

/// Reads one parsed record. Keys and strings come unescaped; order of members is the record's own.
///
/// Whoever is handed a value says where it ends: reading a value gives its end, [`skip`](Cursor::skip) gives that of
/// a value nobody wants. So no cursor has to find the same end twice.
pub trait Cursor {
    /// a value's position, or that of its end
    type At: Copy;

    /// Whether it can tell how values are written.
    const HAS_TEXT: bool = false;

    /// The record's outermost value.
    fn root(&self) -> Self::At;

    /// What stands there.
    fn kind(&self, at: Self::At) -> Kind;

    /// Where the value at `at` ends.
    fn skip(&self, at: Self::At) -> Self::At;

    /// Hands over the members of the object at `at`, in the record's order; nothing if it is no object. `each` gives
    /// the end of the member's value; returned is the end of the object.
    fn members(&self, at: Self::At, each: impl FnMut(Name<'_>, Self::At) -> Step<Self::At>) -> Self::At;

    /// Hands over the elements of the array at `at`; nothing if it is no array. Ends are as those of members.
    fn elements(&self, at: Self::At, each: impl FnMut(Self::At) -> Self::At) -> Self::At;

    /// The first element, if there is an array at `at` and it has one.
    #[inline]
    fn first(&self, at: Self::At) -> Option<Self::At> {
        let mut first = None;
        self.elements(at, |element| {
            first.get_or_insert(element);
            self.skip(element)
        });
        first
    }

    /// The string, number or boolean at `at`.
    fn scalar(&self, at: Self::At) -> Scalar<'_, Self::At>;

    /// Keeps a string or number at `at` for later, if there is one and it is not empty, and gives its end.
    #[inline]
    fn plain(&self, at: Self::At) -> Option<(Captured, Self::At)> {
        if !matches!(self.kind(at), Kind::String | Kind::Number) {
            return None;
        }
        let scalar = self.scalar(at);
        if scalar.string.is_some_and(<[u8]>::is_empty) { None } else { Some((scalar.captured, scalar.end)) }
    }

    /// How the object or array between `at` and its end is written, if nothing odd was met so far.
    #[inline]
    fn written(&self, _at: Self::At, _end: Self::At) -> Option<&[u8]> {
        None
    }

    /// Where `text` ends, a part of what [`written`](Cursor::written) once gave, if it stands at `at`.
    #[inline]
    fn is_written(&self, _at: Self::At, _text: &[u8]) -> Option<Self::At> {
        None
    }

    /// Where a value, or its end, stands in the record's text: in bytes, if the cursor has text.
    #[inline]
    fn offset(&self, _at: Self::At) -> usize {
        0
    }

    /// From behind a member's value to the end of its object's members, where the closing bracket stands.
    #[inline]
    fn leave(&self, at: Self::At) -> Self::At {
        at
    }

    /// Whether something odd was met, so that nothing that was read counts.
    #[inline]
    fn has_odd(&self) -> bool {
        false
    }

    /// Whether something odd was met; forgets it. For reading that was only a try.
    #[inline]
    fn forget_odd(&self) -> bool {
        false
    }

    /// The string at `at`, unescaped; `None` if it is no string.
    fn string(&self, at: Self::At) -> Option<&str> {
        if self.kind(at) != Kind::String {
            return None;
        }
        std::str::from_utf8(self.scalar(at).string?).ok()
    }

    /// The text of a captured scalar; numbers are decimal text without an exponent, `scratch` may be used for it.
    fn text<'a>(&'a self, captured: Captured, scratch: &'a mut String) -> &'a str;

    /// The captured scalar as a whole number, if it is one.
    fn integer(&self, captured: Captured) -> Option<i64>;
}
