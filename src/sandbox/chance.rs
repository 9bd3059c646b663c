//! The source of every random fact: SplitMix64, seeded from numbers and nothing else.
//!
//! It is written here, not taken from a crate, because the bytes of an export are a promise: the same seed must give
//! the same claims in ten years, and a generator crate may change its streams between versions.

/// A stream of random choices. Two streams made from the same numbers agree for ever.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream named by `seed` and a path of numbers (beneficiary index, purpose, ...).
    pub fn new(seed: u64, path: &[u64]) -> Chance {
        let mut chance = Chance(seed ^ 0x5851_F42D_4C95_7F2D);
        for step in path {
            chance.0 = chance.next() ^ step.wrapping_mul(0xD1B5_4A32_D192_ED03);
        }
        chance.next();
        chance
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0. The bias of the multiplication is below one in a thousand million.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(0) as u64) as i64
    }

    /// True in `share` of all calls (`0.0` never, `1.0` always).
    pub fn happens(&mut self, share: f64) -> bool {
        ((self.next() >> 11) as f64) < share * (1u64 << 53) as f64
    }

    /// `Some(make(..))` in `share` of all calls.
    pub fn maybe<T>(&mut self, share: f64, make: impl FnOnce(&mut Chance) -> T) -> Option<T> {
        if self.happens(share) { Some(make(self)) } else { None }
    }

    /// One element; the list must not be empty.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }

    /// 1 or more, each further step with probability `again`, at most `limit`.
    pub fn streak(&mut self, again: f64, limit: u32) -> u32 {
        let mut length = 1;
        while length < limit && self.happens(again) {
            length += 1;
        }
        length
    }

    /// An amount in cents, small ones far more often than large ones, up to `limit` dollars.
    pub fn cents(&mut self, limit: i64) -> i64 {
        let scale = self.pick(&[100, 20, 20, 5, 5, 1]);
        let dollars = self.between(0, (limit / scale).max(1));
        let cents = if self.happens(0.3) { 0 } else { self.between(0, 99) };
        dollars * 100 + cents
    }

    /// `count` decimal digits, the first one not zero.
    pub fn digits(&mut self, count: u32) -> String {
        let low = 10i64.pow(count - 1);
        self.between(low, low * 10 - 1).to_string()
    }

    /// Puts a list in random order.
    pub fn mix<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}
