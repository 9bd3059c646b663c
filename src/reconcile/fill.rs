//! The heat map: a tile per column, the fuller the stronger its colour, with its name and its share.

use maud::{Markup, html};

use super::{Field, Table, share, thousands};

const COLUMNS: usize = 4;
const WIDTH: usize = 1120;
const TILE: usize = WIDTH / COLUMNS;
const HEIGHT: usize = 24;
const GAP: usize = 4;
/// Letters of a label that a tile holds beside its share.
const LETTERS: usize = 29;

/// The tiles of one table, in layout order, row by row.
pub fn map(table: &Table) -> Markup {
    let rows = table.fields.len().div_ceil(COLUMNS);
    html! {
        svg role="img" aria-label={ "fill rate of the fields of " (table.table) } viewBox={ "0 0 " (WIDTH) " " (rows * HEIGHT) } {
            @for (at, field) in table.fields.iter().enumerate() {
                (tile(table, field, at % COLUMNS * TILE, at / COLUMNS * HEIGHT))
            }
        }
    }
}

/// The colours' meaning.
pub fn legend() -> Markup {
    let fields = [
        ("mapped", 1000, false, "full"),
        ("mapped", 500, false, "half"),
        ("mapped", 50, false, "hardly"),
        ("absent", 0, false, "not served by this API version: always blank"),
        ("mapped", 0, true, "served, yet never filled"),
    ];
    html! {
        p class="legend" {
            @for (status, per_mille, never_filled, text) in fields {
                span {
                    svg class="key" viewBox="0 0 28 16" aria-hidden="true" { (ground(status, per_mille, never_filled, 28, 16)) }
                    (text)
                }
            }
            span { b { "*" } " derived: a constant, a translation or a stand-in" }
        }
    }
}

fn tile(table: &Table, field: &Field, x: usize, y: usize) -> Markup {
    let dark = if field.per_mille >= 600 { " on" } else { "" };
    let value = match (table.rows, field.status.as_str()) {
        (0, _) => "no rows".to_string(),
        (_, "absent") if field.filled == 0 => "not served".to_string(),
        _ => share(field.filled, field.per_mille),
    };
    let mark = if field.status == "derived" { "*" } else { "" };
    html! {
        g transform={ "translate(" (x) " " (y) ")" } {
            title {
                (table.table) "." (field.field) " (" (field.status) "): " (thousands(field.filled)) " of " (thousands(table.rows)) " rows have a value"
            }
            (ground(&field.status, if table.rows == 0 { 0 } else { field.per_mille }, field.never_filled, TILE - GAP, HEIGHT - GAP))
            text class={ "label" (dark) } x="6" y="14" { (shortened(&field.field)) (mark) }
            text class={ "value end" (dark) } x=(TILE - GAP - 6) y="14" { (value) }
        }
    }
}

/// The tile without its words.
fn ground(status: &str, per_mille: u64, never_filled: bool, width: usize, height: usize) -> Markup {
    let class = match (status, never_filled) {
        ("absent", _) => "ground absent",
        (_, true) => "ground never",
        _ => "ground",
    };
    html! {
        rect class=(class) x="0.5" y="0.5" width=(width - 1) height=(height - 1) rx="3" {}
        @if per_mille > 0 {
            rect class="heat" width=(width) height=(height) rx="3" fill-opacity={ (format!("{:.2}", 0.08 + 0.92 * per_mille as f64 / 1000.0)) } {}
        }
    }
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LETTERS {
        return label.to_string();
    }
    label.chars().take(LETTERS - 1).chain(['…']).collect()
}
