//! Gaps: the units between those of which a forked child has handles.

use std::ops::Range;

/// How many gaps a child leaves. The kernel looks through all locks of a file one by one.
const MOST: usize = 256;

/// Returns the gaps between units, which `open` returns in ascending order, and up to `end`. If there are too many, the shorter
/// ones are missing. Needs no memory: a forked child calls this before it may allocate any.
pub(super) fn longest<I: Iterator<Item = usize>>(
    open: impl Fn() -> I,
    end: usize,
) -> impl Iterator<Item = Range<usize>> {
    // Entry `n`: the number of gaps of 2^n up to 2^(n + 1) units.
    let mut numbers = [0_usize; usize::BITS as usize];
    for gap in all(open(), end) {
        numbers[digits(&gap)] += 1;
    }
    let mut left = MOST;
    let mut shortest = numbers.len();
    while let Some(number) = shortest.checked_sub(1).map(|shorter| numbers[shorter])
        && number <= left
    {
        (left, shortest) = (left - number, shortest - 1);
    }
    all(open(), end).filter(move |gap| {
        // There is room for some of the gaps that are a little shorter.
        let is_little_shorter = digits(gap) + 1 == shortest && left > 0;
        left -= usize::from(is_little_shorter);
        digits(gap) >= shortest || is_little_shorter
    })
}

fn digits(gap: &Range<usize>) -> usize {
    gap.len().ilog2() as usize
}

fn all(open: impl Iterator<Item = usize>, end: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    let gaps = open.chain([end]).map(move |unit| {
        let gap = start..unit;
        start = unit.saturating_add(1);
        gap
    });
    gaps.filter(|gap| !gap.is_empty())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sys::presence::claims::MOST_UNITS;

    fn longest_of(open: &[usize], end: usize) -> Vec<(usize, usize)> {
        longest(|| open.iter().copied(), end).map(|gap| (gap.start, gap.end)).collect()
    }

    /// If a gap contained an open unit, its claim would end. If one were missing, space would come back late.
    #[test]
    fn gaps_are_all_that_is_not_open() {
        assert_eq!(longest_of(&[], 9), [(0, 9)]);
        assert_eq!(longest_of(&[0, 8], 9), [(1, 8)]);
        assert_eq!(longest_of(&[3, 4, 6], MOST_UNITS), [(0, 3), (5, 6), (7, MOST_UNITS)]);
        assert_eq!(longest_of(&[0, 1, 2], 3), []);
    }

    /// Each gap makes one more lock of the file.
    #[test]
    fn the_longer_ones_of_many_gaps_are_left() {
        // Gaps of one unit and of 40 units, in turns.
        let open: Vec<_> = (0..1_000).flat_map(|number| [43 * number, 43 * number + 2]).collect();
        let number_of = |gaps: &[(usize, usize)], length| gaps.iter().filter(|gap| gap.1 - gap.0 == length).count();
        let gaps = longest_of(&open[..400], 8_600);
        assert_eq!((gaps.len(), number_of(&gaps, 40), number_of(&gaps, 1)), (256, 200, 56));
        let gaps = longest_of(&open, MOST_UNITS);
        assert_eq!((gaps.len(), number_of(&gaps, 40), gaps[255].1), (256, 255, MOST_UNITS));
        let few: Vec<_> = (0..256).map(|number| 2 * number).collect();
        assert_eq!(longest_of(&few, MOST_UNITS).len(), 256);
    }
}
