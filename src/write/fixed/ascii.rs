//! Names in one byte a character: every character becomes its nearest ASCII character, never two, so no text grows
//! beyond the width it had.
//!
//! Accents go (é is e, decomposed ones too), letters with strokes and ligatures become their first letter (ø o, ß s,
//! Æ A), typographic quotes and dashes the plain ones, every other space or control character a space. What has no
//! such neighbour becomes `?`.

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// What became of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    /// it was printable ASCII
    Same(u8),
    /// its nearest neighbour
    Near(u8),
    /// an accent of its own, which goes
    Nothing,
    /// there is none
    Unknown,
}

/// Finds the neighbour.
pub fn fold(c: char) -> Folded {
    if c == ' ' || c.is_ascii_graphic() {
        return Folded::Same(c as u8);
    }
    if c.is_whitespace() || c.is_control() {
        return Folded::Near(b' ');
    }
    if is_combining_mark(c) {
        return Folded::Nothing;
    }
    if let Some(near) = letter(c) {
        return Folded::Near(near);
    }
    let mut base = None;
    let mut whole = true;
    decompose_canonical(c, |part| match base {
        None => base = Some(part),
        Some(_) => whole &= is_combining_mark(part),
    });
    match base {
        Some(base) if whole && base.is_ascii_graphic() => Folded::Near(base as u8),
        // ǿ is ø with an accent.
        Some(base) if whole => letter(base).map_or(Folded::Unknown, Folded::Near),
        _ => Folded::Unknown,
    }
}

/// Neighbours that Unicode does not tell.
fn letter(c: char) -> Option<u8> {
    Some(match c {
        'Æ' => b'A',
        'æ' => b'a',
        'Đ' | 'Ð' => b'D',
        'đ' | 'ð' => b'd',
        'Ħ' => b'H',
        'ħ' => b'h',
        'ı' => b'i',
        'Ł' => b'L',
        'ł' => b'l',
        'Ŋ' => b'N',
        'ŋ' => b'n',
        'Ø' | 'Œ' => b'O',
        'ø' | 'œ' => b'o',
        'ẞ' => b'S',
        'ß' => b's',
        'Þ' | 'Ŧ' => b'T',
        'þ' | 'ŧ' => b't',
        '‘' | '’' | 'ʼ' | 'ʻ' | '′' => b'\'',
        '“' | '”' => b'"',
        '‐' | '‑' | '–' | '—' | '−' => b'-',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_becomes_one_or_none() {
        let folded: String = "Zoë Ångström Nuñez-Łódź Weiß O’Neil e\u{301} a\u{a0}b\tc ǿ 李 😀"
            .chars()
            .filter_map(|c| match fold(c) {
                Folded::Same(b) | Folded::Near(b) => Some(b as char),
                Folded::Nothing => None,
                Folded::Unknown => Some('?'),
            })
            .collect();
        assert_eq!(folded, "Zoe Angstrom Nunez-Lodz Weis O'Neil e a b c o ? ?");
    }

    #[test]
    fn nothing_unprintable_comes_out_of_any_character() {
        for c in '\0'..=char::MAX {
            if let Folded::Same(b) | Folded::Near(b) = fold(c) {
                assert!(b == b' ' || b.is_ascii_graphic(), "{c:?}");
                assert!(b != b',' || c == ',', "{c:?} became a comma");
            }
        }
    }
}
