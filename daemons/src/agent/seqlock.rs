//! A few words that one thread writes without waiting for anybody, and any thread reads whole.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// How often a reader tries again that was overtaken by the writer.
const TRIES: usize = 16;

/// A sequence lock: an odd version means that it is being written.
#[derive(Debug)]
pub(crate) struct SeqLock<const WORDS: usize> {
    version: AtomicU32,
    words: [AtomicU64; WORDS],
}

impl<const WORDS: usize> Default for SeqLock<WORDS> {
    fn default() -> Self {
        Self { version: AtomicU32::new(0), words: [const { AtomicU64::new(0) }; WORDS] }
    }
}

impl<const WORDS: usize> SeqLock<WORDS> {
    /// Only one thread may call this.
    pub(crate) fn write(&self, words: [u64; WORDS]) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        for (place, word) in self.words.iter().zip(words) {
            place.store(word, Ordering::Relaxed);
        }
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }

    /// What was written last, zeros before that; none if it is written again and again just now.
    pub(crate) fn read(&self) -> Option<[u64; WORDS]> {
        (0..TRIES).find_map(|_| {
            let before = self.version.load(Ordering::Acquire);
            let words = self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            let consistent = before.is_multiple_of(2) && before == self.version.load(Ordering::Relaxed);
            consistent.then_some(words)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_never_sees_half_of_a_change() {
        let lock = SeqLock::<3>::default();
        assert_eq!(lock.read(), Some([0; 3]));
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| (0..200_000).for_each(|n| lock.write([n, n, n])));
            while !writer.is_finished() {
                if let Some([a, b, c]) = lock.read() {
                    assert_eq!((a, a), (b, c));
                }
            }
        });
    }
}
