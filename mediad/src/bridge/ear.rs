//! What one leg hears when it hears no other leg: a clip, music, comfort noise, one 20 ms frame after the other.

use std::sync::Arc;

use audio::clip::Clip;
use audio::comfort::ComfortNoise;
use audio::toc::CELT_SILENCE;
use protocol::{ClipName, PlayEnd};

/// The ear of one leg.
#[derive(Debug)]
pub struct Ear {
    hears: Hears,
    /// Where each piece of music stopped: who returns to the queue hears it go on.
    places: Vec<(ClipName, usize)>,
    /// A tone over all that, and how far it is.
    beep: Option<(Sound, usize)>,
    /// The faded last frame of a tone that was cut off.
    parting: Option<(Arc<Clip>, usize)>,
    /// Music follows something else, and one frame of silence comes before it. A CELT packet tells its band energies by
    /// their difference from the packet before; a decoder that comes from a voice begins at the codec's mean level, and
    /// hisses where the music is softer. After silence it begins at the bottom: music comes in over 80 ms, never too loud.
    enters: bool,
    comfort_turn: usize,
}

/// A clip by its name.
#[derive(Debug, Clone)]
pub struct Sound {
    /// Its name, for events.
    pub name: ClipName,
    /// Its packets.
    pub clip: Arc<Clip>,
}

/// What a leg hears for as long as nothing else is said: [`protocol::Filler`], with its sound at hand.
#[derive(Debug, Clone)]
pub enum Backdrop {
    /// Very soft noise.
    Comfort,
    /// A looped clip.
    Music(Sound),
}

/// A clip to be played once.
#[derive(Debug, Clone)]
pub struct Play {
    /// What.
    pub sound: Sound,
    /// A key press ends it.
    pub stop_on_digit: bool,
    /// What follows.
    pub then: Backdrop,
}

/// A clip that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// Which.
    pub clip: ClipName,
    /// Why.
    pub why: PlayEnd,
}

#[derive(Debug)]
enum Hears {
    Clip {
        play: Play,
        at: usize,
    },
    Backdrop(Backdrop),
    /// Another leg; comfort noise while that one is silent.
    Other,
}

impl Default for Ear {
    fn default() -> Self {
        Self {
            hears: Hears::Backdrop(Backdrop::Comfort),
            places: Vec::new(),
            beep: None,
            parting: None,
            enters: false,
            comfort_turn: 0,
        }
    }
}

impl Ear {
    /// Plays a clip from its beginning. Gives what it replaced.
    pub fn play(&mut self, play: Play) -> Option<Over> {
        self.turn_to(Hears::Clip { play, at: 0 })
    }

    /// Ends what is heard. Gives the clip that was cut off.
    pub fn fill(&mut self, with: Backdrop) -> Option<Over> {
        self.turn_to(Hears::Backdrop(with))
    }

    /// Hears another leg from now on. Gives the clip that was cut off.
    pub fn hear_other(&mut self) -> Option<Over> {
        self.turn_to(Hears::Other)
    }

    /// Hears a tone from its beginning, and behind it what it heard before.
    pub fn beep(&mut self, sound: Sound) {
        self.parting = match &self.hears {
            Hears::Clip { play, at } => parting(&play.sound.clip, *at),
            Hears::Backdrop(Backdrop::Music(sound)) => parting(&sound.clip, self.place(&sound.name)),
            Hears::Backdrop(Backdrop::Comfort) | Hears::Other => None,
        };
        self.beep = Some((sound, 0));
    }

    /// Whether a tone covers what is heard.
    pub fn beeps(&self) -> bool {
        self.beep.is_some()
    }

    /// Whether another leg is heard, or will be behind a tone.
    pub fn hears_other(&self) -> bool {
        matches!(self.hears, Hears::Other)
    }

    /// The leg's own key was pressed.
    pub fn digit(&mut self) -> Option<Over> {
        let Hears::Clip { play, .. } = &self.hears else { return None };
        if !play.stop_on_digit {
            return None;
        }
        let then = play.then.clone();
        self.fill(then).map(|over| Over { why: PlayEnd::Digit, ..over })
    }

    /// A packet of the other leg went out: nothing is left to fade.
    pub fn heard_other(&mut self) {
        self.parting = None;
    }

    /// The frame for the leg's next slot.
    pub fn frame<'a>(&'a self, comfort: &'a ComfortNoise) -> &'a [u8] {
        if let Some((clip, at)) = &self.parting {
            return clip.stop_packet(*at).unwrap_or_else(|| comfort.packet(self.comfort_turn));
        }
        if let Some((sound, at)) = &self.beep {
            return sound.clip.packet_wrapped(*at);
        }
        match &self.hears {
            Hears::Clip { play, at } => play.sound.clip.packet_wrapped(*at),
            Hears::Backdrop(Backdrop::Music(_)) if self.enters => &CELT_SILENCE,
            Hears::Backdrop(Backdrop::Music(sound)) => sound.clip.packet_wrapped(self.place(&sound.name)),
            Hears::Backdrop(Backdrop::Comfort) | Hears::Other => comfort.packet(self.comfort_turn),
        }
    }

    /// The frame was sent. Gives the clip whose last one it was; what follows is already in its place.
    pub fn advance(&mut self) -> Option<Over> {
        if self.parting.take().is_some() {
            return None;
        }
        if let Some((sound, at)) = self.beep.as_mut() {
            *at += 1;
            if *at >= sound.clip.len() {
                self.beep = None;
                self.enters = true;
            }
            return None;
        }
        match &mut self.hears {
            Hears::Clip { play, at } => {
                *at += 1;
                if *at < play.sound.clip.len() {
                    return None;
                }
                let over = Over { clip: play.sound.name.clone(), why: PlayEnd::Finished };
                let then = play.then.clone();
                self.hears = Hears::Backdrop(then);
                self.enters = true;
                return Some(over);
            }
            Hears::Backdrop(Backdrop::Music(_)) if self.enters => self.enters = false,
            Hears::Backdrop(Backdrop::Music(sound)) => {
                let (name, len) = (sound.name.clone(), sound.clip.len());
                let next = (self.place(&name) + 1) % len;
                self.keep_place(name, next);
            }
            Hears::Backdrop(Backdrop::Comfort) | Hears::Other => self.comfort_turn = self.comfort_turn.wrapping_add(1),
        }
        None
    }

    /// The clip or music that is heard now.
    pub fn clip(&self) -> Option<&ClipName> {
        match &self.hears {
            Hears::Clip { play, .. } => Some(&play.sound.name),
            Hears::Backdrop(Backdrop::Music(sound)) => Some(&sound.name),
            Hears::Backdrop(Backdrop::Comfort) | Hears::Other => None,
        }
    }

    fn turn_to(&mut self, hears: Hears) -> Option<Over> {
        let beep = self.beep.take();
        self.parting = match &self.hears {
            _ if beep.is_some() => beep.and_then(|(sound, at)| parting(&sound.clip, at)),
            Hears::Clip { play, at } => parting(&play.sound.clip, *at),
            Hears::Backdrop(Backdrop::Music(sound)) => match &hears {
                Hears::Backdrop(Backdrop::Music(next)) if next.name == sound.name => {
                    self.hears = hears;
                    return None;
                }
                _ => parting(&sound.clip, self.place(&sound.name)),
            },
            Hears::Backdrop(Backdrop::Comfort) | Hears::Other => None,
        };
        self.enters = true;
        match std::mem::replace(&mut self.hears, hears) {
            Hears::Clip { play, .. } => Some(Over { clip: play.sound.name, why: PlayEnd::Replaced }),
            Hears::Backdrop(_) | Hears::Other => None,
        }
    }

    fn place(&self, name: &ClipName) -> usize {
        self.places.iter().find(|(have, _)| have == name).map_or(0, |(_, at)| *at)
    }

    fn keep_place(&mut self, name: ClipName, at: usize) {
        if let Some(place) = self.places.iter_mut().find(|(have, _)| *have == name) {
            place.1 = at;
            return;
        }
        if self.places.len() == PLACES_MAX {
            self.places.remove(0);
        }
        self.places.push((name, at));
    }
}

fn parting(clip: &Arc<Clip>, at: usize) -> Option<(Arc<Clip>, usize)> {
    clip.stop_packet(at).map(|_| (Arc::clone(clip), at))
}

/// Pieces of music whose place a leg remembers.
const PLACES_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(name: &str, frames: u8) -> Sound {
        let packets: Vec<Vec<u8>> = (0..frames).map(|n| vec![0xB8, n, 0xFE]).collect();
        Sound { name: ClipName::new(name).unwrap(), clip: Arc::new(Clip::of_packets(&packets).unwrap()) }
    }

    /// The second byte of a frame of silence; a clip's frame `n` has `n` there.
    const SILENCE: u8 = CELT_SILENCE[1];

    fn next(ear: &mut Ear, comfort: &ComfortNoise) -> (u8, Option<Over>) {
        let byte = ear.frame(comfort)[1];
        (byte, ear.advance())
    }

    #[test]
    fn a_clip_gives_way_to_its_backdrop_in_the_next_slot_and_music_keeps_its_place() {
        let comfort = ComfortNoise::seeded(1).unwrap();
        let mut ear = Ear::default();
        let music = Backdrop::Music(sound("music.ogg", 5));
        assert_eq!(ear.fill(music.clone()), None);
        for expected in [SILENCE, 0, 1, 2] {
            assert_eq!(next(&mut ear, &comfort), (expected, None));
        }
        let prompt = sound("prompt.ogg", 2);
        assert_eq!(ear.play(Play { sound: prompt.clone(), stop_on_digit: false, then: music.clone() }), None);
        assert_eq!(ear.digit(), None);
        assert_eq!(next(&mut ear, &comfort), (0, None));
        assert_eq!(next(&mut ear, &comfort), (1, Some(Over { clip: prompt.name.clone(), why: PlayEnd::Finished })));
        for expected in [SILENCE, 3, 4, 0] {
            assert_eq!(next(&mut ear, &comfort), (expected, None), "after silence the music goes on where it was");
        }
        assert_eq!(ear.play(Play { sound: prompt.clone(), stop_on_digit: true, then: music }), None);
        assert_eq!(ear.digit(), Some(Over { clip: prompt.name, why: PlayEnd::Digit }));
        assert_eq!((next(&mut ear, &comfort).0, next(&mut ear, &comfort).0), (SILENCE, 1));
    }

    #[test]
    fn another_command_replaces_a_clip_and_says_so() {
        let mut ear = Ear::default();
        let prompt = sound("a.ogg", 3);
        let then = Backdrop::Comfort;
        ear.play(Play { sound: prompt.clone(), stop_on_digit: false, then });
        assert_eq!(ear.hear_other(), Some(Over { clip: prompt.name, why: PlayEnd::Replaced }));
        assert_eq!(ear.clip(), None);
    }
}
