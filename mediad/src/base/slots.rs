//! A table whose keys go stale: a slot that is used again gets a new generation, so an old key finds nothing.

/// Names one entry of a [`Slots`] table for as long as that entry lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    index: u32,
    generation: u32,
}

impl Slot {
    /// One number for index and generation.
    pub fn number(self) -> u64 {
        (u64::from(self.generation) << 32) | u64::from(self.index)
    }
}

/// A table with stable keys, reuse of room, and a fixed order: by index.
#[derive(Debug)]
pub struct Slots<T> {
    rooms: Vec<Room<T>>,
    free: Vec<u32>,
    len: usize,
}

#[derive(Debug)]
struct Room<T> {
    generation: u32,
    guest: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { rooms: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl<T> Slots<T> {
    /// Takes an entry in and names it.
    ///
    /// # Panics
    /// After four thousand million entries at once, which memory does not hold.
    pub fn put(&mut self, guest: T) -> Slot {
        self.len += 1;
        if let Some(index) = self.free.pop() {
            let room = &mut self.rooms[index as usize];
            room.guest = Some(guest);
            return Slot { index, generation: room.generation };
        }
        let index = u32::try_from(self.rooms.len()).expect("fewer than 2^32 entries");
        self.rooms.push(Room { generation: 0, guest: Some(guest) });
        Slot { index, generation: 0 }
    }

    /// The entry, if it still lives.
    pub fn get(&self, slot: Slot) -> Option<&T> {
        self.rooms.get(slot.index as usize).filter(|room| room.generation == slot.generation)?.guest.as_ref()
    }

    /// The entry, if it still lives.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.rooms.get_mut(slot.index as usize).filter(|room| room.generation == slot.generation)?.guest.as_mut()
    }

    /// Two different entries at once. `None` if either is gone or both are the same.
    pub fn pair_mut(&mut self, a: Slot, b: Slot) -> Option<(&mut T, &mut T)> {
        let rooms = self.rooms.get_disjoint_mut([a.index as usize, b.index as usize]).ok()?;
        let [ra, rb] = rooms;
        if ra.generation != a.generation || rb.generation != b.generation {
            return None;
        }
        Some((ra.guest.as_mut()?, rb.guest.as_mut()?))
    }

    /// Takes an entry out; its name finds nothing from now on.
    pub fn take(&mut self, slot: Slot) -> Option<T> {
        let room = self.rooms.get_mut(slot.index as usize).filter(|room| room.generation == slot.generation)?;
        let guest = room.guest.take()?;
        room.generation = room.generation.wrapping_add(1);
        self.free.push(slot.index);
        self.len -= 1;
        Some(guest)
    }

    /// Entries alive.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is alive.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All entries, by index.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        self.rooms.iter().enumerate().filter_map(|(index, room)| {
            let guest = room.guest.as_ref()?;
            Some((Slot { index: u32::try_from(index).ok()?, generation: room.generation }, guest))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_name_does_not_find_the_next_guest_of_the_same_room() {
        let mut slots = Slots::default();
        let first = slots.put("a");
        assert_eq!(slots.take(first), Some("a"));
        let second = slots.put("b");
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.get(second), Some(&"b"));
        assert_eq!(slots.take(first), None);
        assert_eq!(slots.len(), 1);
    }

    #[test]
    fn a_pair_is_two_different_guests() {
        let mut slots = Slots::default();
        let (a, b) = (slots.put(1), slots.put(2));
        assert!(slots.pair_mut(a, a).is_none());
        let (x, y) = slots.pair_mut(b, a).unwrap();
        assert_eq!((*x, *y), (2, 1));
    }
}
