//! Keys in order, however many there are.
//!
//! A job meets every claim of its input, and its memory must not grow with the input. So keys wait in memory until they
//! fill so many bytes; then they go, sorted, to a file that has no name, and in the end all come back merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Bytes of keys that wait in memory.
const HELD: usize = 2 << 20;

/// Bytes of each sorted stretch of the file that are read at once.
const BLOCK: usize = 4 << 10;

/// Keys of `N` parts, ordered part by part. Once the system gives no room for a file, the keys to come stay in memory.
#[derive(Debug)]
pub struct Sorter<const N: usize> {
    /// where the file is made
    folder: PathBuf,
    waiting: Vec<[u128; N]>,
    /// keys that may wait
    limit: usize,
    file: Option<File>,
    /// sorted stretches of the file, in bytes
    stretches: Vec<Range<u64>>,
    has_room: bool,
}

impl<const N: usize> Sorter<N> {
    /// One that makes its file in the folder.
    pub fn new(folder: &Path) -> Self {
        Sorter::holding(HELD / size_of::<[u128; N]>(), folder)
    }

    fn holding(limit: usize, folder: &Path) -> Self {
        let folder = folder.to_path_buf();
        Sorter { folder, waiting: Vec::new(), limit, file: None, stretches: Vec::new(), has_room: true }
    }

    /// Takes a key.
    pub fn push(&mut self, key: [u128; N]) {
        self.waiting.push(key);
        if self.waiting.len() >= self.limit && self.has_room {
            self.has_room = self.put_away().is_ok();
        }
    }

    fn put_away(&mut self) -> io::Result<()> {
        self.waiting.sort_unstable();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.folder)?),
        };
        let bytes: &[u8] = bytemuck::cast_slice(self.waiting.as_flattened());
        let start = self.stretches.last().map_or(0, |last| last.end);
        file.write_all_at(bytes, start)?;
        self.stretches.push(start..start + bytes.len() as u64);
        self.waiting.clear();
        Ok(())
    }

    /// Shows all keys in order, those of one first part together.
    pub fn each_group(mut self, mut each: impl FnMut(&[[u128; N]])) -> Result<()> {
        self.waiting.sort_unstable();
        let Some(file) = self.file.take() else {
            self.waiting.chunk_by(|a, b| a[0] == b[0]).for_each(each);
            return Ok(());
        };
        let trouble = |error| Error::file("read claims' keys back in", &self.folder, error);
        let written = self.stretches.into_iter().map(|left| Stretch { left, block: Vec::new(), at: 0 });
        let waiting = Stretch { left: 0..0, block: self.waiting, at: 0 };
        let mut stretches: Vec<Stretch<N>> = written.chain([waiting]).collect();
        let mut next = BinaryHeap::new();
        for (number, stretch) in stretches.iter_mut().enumerate() {
            next.extend(stretch.next(&file).map_err(trouble)?.map(|key| Reverse((key, number))));
        }
        let mut group: Vec<[u128; N]> = Vec::new();
        while let Some(Reverse((key, number))) = next.pop() {
            if group.first().is_some_and(|first| first[0] != key[0]) {
                each(&group);
                group.clear();
            }
            group.push(key);
            next.extend(stretches[number].next(&file).map_err(trouble)?.map(|key| Reverse((key, number))));
        }
        if !group.is_empty() {
            each(&group);
        }
        Ok(())
    }
}

/// Sorted keys that come back.
struct Stretch<const N: usize> {
    /// bytes of the file that have not been read
    left: Range<u64>,
    block: Vec<[u128; N]>,
    /// of the block
    at: usize,
}

impl<const N: usize> Stretch<N> {
    fn next(&mut self, file: &File) -> io::Result<Option<[u128; N]>> {
        if self.at == self.block.len() && !self.left.is_empty() {
            let size = size_of::<[u128; N]>();
            let bytes = ((self.left.end - self.left.start) as usize).min(BLOCK / size * size);
            self.block.resize(bytes / size, [0; N]);
            file.read_exact_at(bytemuck::cast_slice_mut(self.block.as_flattened_mut()), self.left.start)?;
            self.left.start += bytes as u64;
            self.at = 0;
        }
        let key = self.block.get(self.at).copied();
        self.at += 1;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups<const N: usize>(sorter: Sorter<N>) -> Vec<Vec<[u128; N]>> {
        let mut groups = Vec::new();
        sorter.each_group(|group| groups.push(group.to_vec())).unwrap();
        groups
    }

    fn expected(keys: &[[u128; 2]]) -> Vec<Vec<[u128; 2]>> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.chunk_by(|a, b| a[0] == b[0]).map(<[_]>::to_vec).collect()
    }

    proptest::proptest! {
        #[test]
        fn keys_come_in_order_from_memory_and_from_the_file(
            keys in proptest::collection::vec([0..50u128, 0..50u128], 0..300),
            limit in 1..400usize,
            room in 0..400usize,
        ) {
            let mut sorter = Sorter::holding(limit, &std::env::temp_dir());
            for (at, key) in keys.iter().enumerate() {
                sorter.has_room &= at < room;
                sorter.push(*key);
            }
            proptest::prop_assert_eq!(sorter.file.is_some(), limit <= keys.len().min(room));
            proptest::prop_assert_eq!(groups(sorter), expected(&keys));
        }
    }

    #[test]
    fn without_room_for_a_file_no_key_is_lost() {
        let keys: Vec<[u128; 2]> = (0..100u128).map(|n| [n * 37 % 101, n]).collect();
        let mut sorter = Sorter::holding(3, Path::new("/nowhere"));
        keys.iter().for_each(|key| sorter.push(*key));
        assert!(!sorter.has_room && sorter.file.is_none());
        assert_eq!(groups(sorter), expected(&keys));
    }

    #[test]
    fn stretches_of_many_blocks_are_read_to_their_ends() {
        let keys: Vec<[u128; 2]> = (0..10_000u128).map(|n| [n * 7919 % 10_007, n]).collect();
        let mut sorter = Sorter::holding(3_000, &std::env::temp_dir());
        keys.iter().for_each(|key| sorter.push(*key));
        assert_eq!((sorter.stretches.len(), sorter.waiting.len()), (3, 1_000));
        assert_eq!(groups(sorter), expected(&keys));
    }
}
