//! Stacked bars over time as SVG: one bar a month, one part a claim family, negative amounts below the line.
//!
//! Lengths are drawn in floats; every exact number stands in a table or a part's title.

use maud::{Markup, html};

use super::months::Bars;

/// Of the drawing, in user units.
const WIDTH: f64 = 1120.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 110.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 44.0;
/// Of a month's name under the axis.
const LABEL: f64 = 62.0;

/// One family's values.
pub struct Series {
    /// its name
    pub name: String,
    /// which of the page's colours
    pub colour: usize,
    /// one per bar
    pub values: Vec<i128>,
}

/// What a chart says.
pub struct Chart<'a> {
    /// for those who cannot see it
    pub label: &'a str,
    /// what the vertical axis counts
    pub unit: &'a str,
    /// the bars
    pub bars: &'a Bars,
    /// stacked in this order
    pub series: &'a [Series],
    /// values of the axis that are one unit: 100 for cents
    pub scale: i128,
    /// how a part's value is written in full
    pub text: fn(i128) -> String,
}

impl Chart<'_> {
    /// The drawing.
    pub fn draw(&self) -> Markup {
        let count = self.bars.names.len().max(1);
        let sum = |bar: usize, keep: fn(i128) -> bool| -> i128 {
            self.series.iter().map(|series| series.values[bar]).filter(|value| keep(*value)).sum()
        };
        let extreme = |keep| (0..self.bars.names.len()).map(move |bar| sum(bar, keep));
        let highest = extreme(|value| value > 0).max().unwrap_or(0);
        let lowest = extreme(|value| value < 0).min().unwrap_or(0);
        let ticks = ticks(lowest, highest, self.scale);
        let (low, high) = (ticks[0], ticks[ticks.len() - 1]);
        let y = |value: i128| TOP + (HEIGHT - TOP - BOTTOM) * (high - value) as f64 / ((high - low) as f64).max(1.0);
        let step = (WIDTH - LEFT - RIGHT) / count as f64;
        let width = (step * 0.76).min(56.0);
        let x = |bar: usize| LEFT + step * bar as f64 + (step - width) / 2.0;
        let named = self.bars.named(LABEL / step);
        html! {
            svg role="img" aria-label=(self.label) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } {
                text class="unit" x="0" y="12" { (self.unit) }
                @for tick in &ticks {
                    line class=(if *tick == 0 { "base" } else { "grid" }) x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(y(*tick))) y2=(px(y(*tick))) {}
                    text class="tick end" x=(LEFT - 8.0) y=(px(y(*tick) + 4.0)) { (super::grouped(&(tick / self.scale).to_string())) }
                }
                @for (bar, name) in self.bars.names.iter().enumerate() {
                    @for part in self.parts(bar) {
                        rect class={ "c" (part.colour) } x=(px(x(bar))) width=(px(width))
                            y=(px(y(part.to.max(part.from)))) height=(px((y(part.from) - y(part.to)).abs())) {
                            title { (name) " " (part.name) ": " ((self.text)(part.to - part.from)) }
                        }
                    }
                    @if named[bar] {
                        line class="base" x1=(px(x(bar) + width / 2.0)) x2=(px(x(bar) + width / 2.0)) y1=(HEIGHT - BOTTOM) y2=(HEIGHT - BOTTOM + 4.0) {}
                        text class="tick middle" x=(px(x(bar) + width / 2.0)) y=(HEIGHT - BOTTOM + 18.0) { (name) }
                    }
                }
                text class="unit middle" x=((LEFT + WIDTH - RIGHT) / 2.0) y=(HEIGHT - 6.0) {
                    (if self.bars.are_years() { "year of service" } else { "month of service" })
                }
            }
        }
    }

    /// The parts of a bar, outwards from the line.
    fn parts(&self, bar: usize) -> Vec<Part<'_>> {
        let (mut above, mut below) = (0, 0);
        let mut parts = Vec::new();
        for series in self.series {
            let value = series.values[bar];
            let end = if value > 0 { &mut above } else { &mut below };
            if value != 0 {
                parts.push(Part { name: &series.name, colour: series.colour, from: *end, to: *end + value });
            }
            *end += value;
        }
        parts
    }
}

struct Part<'a> {
    name: &'a str,
    colour: usize,
    from: i128,
    to: i128,
}

/// A length, not negative, with as many decimals as anybody can see.
fn px(length: f64) -> String {
    // Whole numbers are written in a fraction of the time.
    let tenths = (length * 10.0).round() as u64;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => whole.to_string(),
        (whole, tenth) => format!("{whole}.{tenth}"),
    }
}

/// Round values from below the lowest to above the highest, whole units, 0 among them.
fn ticks(lowest: i128, highest: i128, scale: i128) -> Vec<i128> {
    let span = (highest - lowest).max(scale);
    let mut step = scale;
    // 1, 2, 5, 10, 20, 50 ... until five steps are enough.
    'found: loop {
        for factor in [1, 2, 5] {
            if step * factor * 5 >= span {
                step *= factor;
                break 'found;
            }
        }
        step *= 10;
    }
    let first = lowest.div_euclid(step);
    let last = (highest + step - 1).div_euclid(step).max(first + 1);
    (first..=last).map(|at| at * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_every_value() {
        assert_eq!(ticks(0, 0, 1), [0, 1]);
        assert_eq!(ticks(0, 7, 1), [0, 2, 4, 6, 8]);
        assert_eq!(ticks(0, 123_456, 100), [0, 50_000, 100_000, 150_000]);
        assert_eq!(ticks(-3, 40, 1), [-10, 0, 10, 20, 30, 40]);
        assert_eq!(ticks(-1, 0, 1), [-1, 0]);
    }

    #[test]
    fn lengths_have_a_decimal_where_they_need_one() {
        let lengths = [(0.0, "0"), (26.0, "26"), (54.75, "54.8"), (112.04, "112"), (9.96, "10"), (0.05, "0.1")];
        for (length, text) in lengths {
            assert_eq!(px(length), text);
        }
    }

    #[test]
    fn a_bar_is_stacked_away_from_the_line() {
        let bars = Bars::of([&"2024-01".to_string()].into_iter());
        let series = [(5, 0), (-2, 1), (3, 2)].map(|(value, colour)| Series {
            name: format!("F{colour}"),
            colour,
            values: vec![value],
        });
        let chart =
            Chart { label: "l", unit: "u", bars: &bars, series: &series, scale: 1, text: |value| value.to_string() };
        let ends: Vec<(i128, i128)> = chart.parts(0).iter().map(|part| (part.from, part.to)).collect();
        assert_eq!(ends, [(0, 5), (0, -2), (5, 8)]);
        let drawing = chart.draw().into_string();
        assert!(drawing.contains("<title>2024-01 F1: -2</title>"), "{drawing}");
        assert!(drawing.contains(">month of service<"), "{drawing}");
    }
}
