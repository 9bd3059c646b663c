//! Lines of testdata's claims with edits that the fuzzer's bytes decide.

use std::sync::LazyLock;

use arbitrary::Unstructured;

/// Claims of each version, the shortest first: short ones are faster, and families differ more than lengths.
pub static CLAIMS: LazyLock<[Vec<&'static str>; 3]> = LazyLock::new(|| {
    let files = [
        include_str!("../testdata/v1/export/ExplanationOfBenefit.ndjson"),
        include_str!("../testdata/v2/export/ExplanationOfBenefit.ndjson"),
        include_str!("../testdata/v3/export/ExplanationOfBenefit.ndjson"),
    ];
    files.map(|file| {
        let mut lines: Vec<&str> = file.lines().collect();
        lines.sort_by_key(|line| line.len());
        lines.truncate(16);
        lines
    })
});

/// What a claim is made of, and what is hard to read.
const TOKENS: [&str; 48] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\\"",
    "\\\\",
    "\n",
    "\r\n",
    " ",
    "\t",
    "\0",
    "\u{e9}",
    "null",
    "true",
    "false",
    "nul",
    "0",
    "-0.0",
    "1.50",
    "1e2",
    "01",
    "-",
    "12345678901234567890",
    "\"\"",
    "{}",
    "[]",
    "\"\\u0041\"",
    "\\ud800",
    "\"id\":",
    "\"item\":[",
    "\"type\":",
    "\"coding\":[",
    "\"code\":\"PDE\"",
    "\"system\":",
    "\"value\":",
    "\"c\\u006fde\":",
    "\"sequence\":1",
    "\"url\":",
    "\"reference\":\"#1\"",
    "\"extension\":[{",
    "}],",
    "\"},",
    "\"a\":{\"b\":[[{}]]},",
    "\"status\":\"active\",",
];

/// One to three lines with up to a dozen edits each.
pub fn lines(api: usize, choices: &mut Unstructured<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    for at in 0..number(choices, 3) + 1 {
        if at > 0 {
            text.push(b'\n');
        }
        let mut line = pick(api, choices).as_bytes().to_vec();
        for _ in 0..number(choices, 13) {
            edit(&mut line, api, choices);
        }
        text.extend(line);
    }
    text
}

/// One of the claims.
pub fn pick(api: usize, choices: &mut Unstructured<'_>) -> &'static str {
    CLAIMS[api][number(choices, CLAIMS[api].len())]
}

fn edit(line: &mut Vec<u8>, api: usize, choices: &mut Unstructured<'_>) {
    let at = number(choices, line.len() + 1);
    let len = number(choices, 64).min(line.len() - at);
    match number(choices, 8) {
        0 => drop(line.splice(at..at + len, [])),
        1 => drop(line.splice(at..at + len.min(1), choices.arbitrary::<u8>().ok())),
        2 | 3 => {
            let token = TOKENS[number(choices, TOKENS.len())];
            drop(line.splice(at..at, token.bytes()));
        }
        4 => {
            let token = TOKENS[number(choices, TOKENS.len())];
            drop(line.splice(at..at + len.min(token.len()), token.bytes()));
        }
        5 => {
            let copy = line[at..at + len].to_vec();
            let to = number(choices, line.len() + 1);
            drop(line.splice(to..to, copy));
        }
        6 => {
            // A piece of another claim, member by member as often as not.
            let other = pick(api, choices).as_bytes();
            let from = number(choices, other.len());
            let piece = &other[from..other.len().min(from + number(choices, 512))];
            drop(line.splice(at..at + len, piece.iter().copied()));
        }
        _ => line.truncate(at),
    }
}

/// Below `limit`; 0 when the choices run out.
fn number(choices: &mut Unstructured<'_>, limit: usize) -> usize {
    choices.arbitrary::<u16>().map_or(0, |n| usize::from(n) % limit.max(1))
}
