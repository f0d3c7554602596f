//! Who may come in at once: so many of one address, so many of all. Pure; closing is the caller's deed.

use std::collections::{BTreeMap, HashMap};

use crate::app::logins::Place;

/// Turns that are taken, in the order they were.
#[derive(Debug)]
pub struct Turns<T> {
    taken: BTreeMap<u64, (Option<Place>, T)>,
    by_place: HashMap<Place, u32>,
    next: u64,
    max: usize,
    max_a_place: u32,
}

impl<T> Turns<T> {
    /// At most `max` at once, and `max_a_place` of one address.
    pub fn new(max: usize, max_a_place: u32) -> Self {
        Self { taken: BTreeMap::new(), by_place: HashMap::new(), next: 0, max, max_a_place }
    }

    /// Takes a turn; `None` for `place`: an address that speaks for many, such as our own proxy. Gives the number of the
    /// turn and whoever had to go for it: the oldest of that address if it has too many, else the oldest of all.
    pub fn enter(&mut self, place: Option<Place>, held: T) -> (u64, Option<T>) {
        let crowd = place.filter(|place| self.by_place.get(place).is_some_and(|count| *count >= self.max_a_place));
        let oldest = match crowd {
            Some(crowd) => self.taken.iter().find(|(_, (place, _))| *place == Some(crowd)).map(|(turn, _)| *turn),
            None if self.taken.len() >= self.max => self.taken.keys().next().copied(),
            None => None,
        };
        let gone = oldest.and_then(|turn| self.leave(turn));
        self.next = self.next.wrapping_add(1);
        self.taken.insert(self.next, (place, held));
        if let Some(place) = place {
            *self.by_place.entry(place).or_default() += 1;
        }
        (self.next, gone)
    }

    /// Gives a turn back. A turn that was taken away is given back already.
    pub fn leave(&mut self, turn: u64) -> Option<T> {
        let (place, held) = self.taken.remove(&turn)?;
        if let Some(place) = place
            && let Some(count) = self.by_place.get_mut(&place)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_place.remove(&place);
            }
        }
        Some(held)
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn place(n: u8) -> Option<Place> {
        Some(Place::from(IpAddr::V4([192, 0, 2, n].into())))
    }

    #[test]
    fn the_seventeenth_of_one_address_sends_its_own_oldest_away() {
        let mut turns = Turns::new(256, 16);
        assert_eq!(turns.enter(place(9), 'x').1, None);
        for n in 0..16 {
            assert_eq!(turns.enter(place(1), char::from(b'a' + n)).1, None);
        }
        assert_eq!(turns.enter(place(1), 'q').1, Some('a'));
        assert_eq!(turns.enter(place(2), 'r').1, None);
    }

    #[test]
    fn when_all_turns_are_taken_the_oldest_of_all_goes_and_a_newcomer_is_let_in() {
        let mut turns = Turns::new(256, 16);
        for n in 0..=255 {
            assert_eq!(turns.enter(place(n), u32::from(n)).1, None);
        }
        assert_eq!(turns.enter(None, 1_000).1, Some(0));
        assert_eq!(turns.enter(place(0), 1_001).1, Some(1));
    }

    #[test]
    fn a_turn_that_is_given_back_is_free_again_and_nothing_is_left_of_its_address() {
        let mut turns = Turns::new(4, 1);
        for _ in 0..100 {
            let (turn, gone) = turns.enter(place(1), ());
            assert_eq!(gone, None);
            turns.leave(turn);
            assert_eq!(turns.leave(turn), None);
        }
        assert!(turns.by_place.is_empty() && turns.taken.is_empty());
    }
}
