//! From bytes to records: the only door to a JSON parser.
//!
//! The crosswalk's walk asks a [`Cursor`] for members, elements and texts and owns nothing of the record. [`tape`]
//! is the cursor over simd-json's tape; a faster one has to answer the same questions with the same answers.
//! [`view`] has typed views for what code branches on.

pub mod tape;
pub mod view;

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

/// Reads one parsed record. Keys and strings come unescaped; order of members is the record's own.
pub trait Cursor {
    /// a value's position
    type At: Copy;

    /// The record's outermost value.
    fn root(&self) -> Self::At;

    /// What stands there.
    fn kind(&self, at: Self::At) -> Kind;

    /// The members of the object at `at`, in the record's order; nothing if it is no object.
    fn members(&self, at: Self::At) -> impl Iterator<Item = (&str, Self::At)>;

    /// The elements of the array at `at`; nothing if it is no array.
    fn elements(&self, at: Self::At) -> impl Iterator<Item = Self::At>;

    /// The string at `at`, unescaped; `None` if it is no string.
    fn string(&self, at: Self::At) -> Option<&str>;

    /// Keeps a scalar for later. Never 0.
    fn capture(&self, at: Self::At) -> Captured;

    /// The text of a captured scalar; numbers are decimal text without an exponent, `scratch` may be used for it.
    fn text<'a>(&'a self, captured: Captured, scratch: &'a mut String) -> &'a str;

    /// The captured scalar as a whole number, if it is one.
    fn integer(&self, captured: Captured) -> Option<i64>;
}
