//! The slot sets that no worker uses.

use crate::park::set::SlotSet;
use crate::time::Span;

/// The most sets that are kept. Together they hold 65,536 pending runs.
const MOST_SETS: usize = 1_024;

/// If no run is due within this time, no set is kept.
pub(crate) const KEPT_FOR: Span = Span::from_nanos(10_000_000_000);

#[derive(Default)]
pub(crate) struct SlotSetPool(Vec<SlotSet>);

impl SlotSetPool {
    pub(crate) fn take(&mut self) -> Option<SlotSet> {
        self.0.pop()
    }

    /// Keeps a set. If too many sets are kept, returns the set, which the caller drops without a lock.
    pub(crate) fn keep(&mut self, set: SlotSet) -> Option<SlotSet> {
        if self.0.len() >= MOST_SETS {
            return Some(set);
        }
        self.0.push(set);
        None
    }

    /// Removes all sets. The caller drops them without a lock.
    pub(crate) fn clear(&mut self) -> Vec<SlotSet> {
        std::mem::take(&mut self.0)
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_sets_are_kept_than_the_most() {
        let mut pool = SlotSetPool::default();
        let refused = (0..MOST_SETS + 5).filter_map(|_| pool.keep(SlotSet::default()));
        assert_eq!(refused.count(), 5);
        assert_eq!(pool.clear().len(), MOST_SETS);
        assert!(pool.is_empty() && pool.take().is_none());
    }
}
