//! Bridges at work: who comes and goes, what each member is switched to by it, and the mixes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use audio::limits::FRAME_BYTES_MAX;
use protocol::{BridgeId, Event};

use super::calls::{Calls, Wake};
use super::media;
use crate::base::slots::Slot;
use crate::bridge::ear::Backdrop;
use crate::bridge::mixer::Listening;
use crate::bridge::recorder::{Recorder, Side};
use crate::bridge::{Hears, Role};
use crate::leg::Heard;

impl Calls {
    /// What records a leg.
    pub fn recorder_of(&mut self, seat: Slot) -> Option<&mut Recorder> {
        let recording = self.seats.get(seat)?.recording?;
        self.recordings.get_mut(recording)
    }

    /// Takes a leg into a bridge, or gives it another role there.
    pub fn join(&mut self, now: Instant, at: Slot, seat: Slot, role: Role) {
        if self.seats.get(seat).is_some_and(|found| found.bridge != Some(at)) {
            self.leave(now, seat, Backdrop::Comfort);
        }
        let Some(bridge) = self.bridges.get_mut(at) else { return };
        bridge.seat(seat, role);
        bridge.rest_silence(now);
        if let Some(found) = self.seats.get_mut(seat) {
            found.bridge = Some(at);
            found.leg.expect_voice(role != Role::Listener);
        }
        self.rehear(now, at);
    }

    /// Takes a leg out of its bridge, if it is in one. A bridge without a party ends.
    pub fn leave(&mut self, now: Instant, seat: Slot, hears: Backdrop) {
        let Some(found) = self.seats.get_mut(seat) else { return };
        let Some(at) = found.bridge.take() else { return };
        found.leg.expect_voice(false);
        self.quieten(now, seat, hears);
        let Some(bridge) = self.bridges.get_mut(at) else { return };
        bridge.leave(seat);
        bridge.rest_silence(now);
        if bridge.parties() > 0 {
            return self.rehear(now, at);
        }
        let id = bridge.id.clone();
        self.end_bridge(now, at, Backdrop::Comfort);
        self.tell(Event::BridgeEnded { bridge: id });
    }

    /// A leg is about to end: its bridge ends with it, unless the caller and another party are still there. Gives the
    /// bridge that ended.
    pub fn leave_for_good(&mut self, now: Instant, seat: Slot) -> Option<BridgeId> {
        let at = self.seats.get(seat)?.bridge?;
        let bridge = self.bridges.get(at)?;
        let party = bridge.member(seat).is_some_and(|member| member.role == Role::Party);
        if party && (seat == bridge.caller || bridge.parties() <= 2) {
            let (id, music) = (bridge.id.clone(), bridge.music.clone());
            self.end_bridge(now, at, music);
            return Some(id);
        }
        self.leave(now, seat, Backdrop::Comfort);
        None
    }

    /// Ends a bridge; its legs live on.
    pub fn end_bridge(&mut self, now: Instant, at: Slot, caller_hears: Backdrop) {
        let Some(bridge) = self.bridges.take(at) else { return };
        self.bridge_names.remove(&bridge.id);
        for member in bridge.members() {
            if let Some(seat) = self.seats.get_mut(member.seat) {
                seat.bridge = None;
                seat.leg.expect_voice(false);
            }
            let hears = if member.seat == bridge.caller { caller_hears.clone() } else { Backdrop::Comfort };
            self.quieten(now, member.seat, hears);
        }
    }

    /// Switches every member to what it is to hear as things are now. What stays the same is not touched.
    pub fn rehear(&mut self, now: Instant, at: Slot) {
        let Some(bridge) = self.bridges.get(at) else { return };
        let changes: Vec<(Slot, Hears, Hears)> = bridge
            .members()
            .iter()
            .map(|member| (member.seat, member.hears, bridge.wants(member)))
            .filter(|(_, old, new)| old != new)
            .collect();
        for (ear, old, new) in &changes {
            if let (Hears::Mix, Hears::One(voice)) = (old, new) {
                self.hand_over(now, at, *voice, *ear);
            }
        }
        self.keep_mixer(now, at);
        for (seat, _, new) in &changes {
            match new {
                Hears::Quiet => self.quieten(now, *seat, Backdrop::Comfort),
                Hears::Music => {
                    let Some(music) = self.bridges.get(at).map(|bridge| bridge.music.clone()) else { return };
                    self.quieten(now, *seat, music);
                }
                Hears::One(_) | Hears::Mix => self.hear_other(now, *seat),
            }
            if let Some(bridge) = self.bridges.get_mut(at) {
                bridge.set_hears(*seat, *new);
            }
        }
        if let Some(bridge) = self.bridges.get_mut(at) {
            bridge.rest_mixer();
        }
        self.watch(at);
    }

    /// A voice packet of someone in a bridge that waits for the others' silence to end: they hear each other again.
    pub fn notice_voice(&mut self, now: Instant, seat: Slot) {
        let Some(at) = self.seats.get(seat).and_then(|seat| seat.bridge) else { return };
        let Some(bridge) = self.bridges.get_mut(at).filter(|bridge| bridge.agent_silent()) else { return };
        if !bridge.others().any(|other| other == seat) {
            return;
        }
        bridge.talk(now);
        let bridge = bridge.id.clone();
        self.rehear(now, at);
        self.tell(Event::AgentBack { bridge });
    }

    /// Is it too long that nothing came from anyone but the caller?
    pub fn notice_silence(&mut self, now: Instant, at: Slot) {
        let heard = self.last_voice(at);
        let Some(bridge) = self.bridges.get_mut(at) else { return };
        if !bridge.notice_silence(now, heard) {
            return self.watch(at);
        }
        let bridge = bridge.id.clone();
        self.rehear(now, at);
        self.tell(Event::AgentSilent { bridge });
    }

    /// Makes the mix that is due and hands each ear its frame. `at` is the deadline that has passed.
    pub fn mix(&mut self, now: Instant, at: Instant, slot: Slot) {
        let Some(bridge) = self.bridges.get_mut(slot) else { return };
        // The mixer of another conference that this bridge once was.
        let Some(mixer) = bridge.mixer.as_mut().filter(|mixer| mixer.due() == at) else { return };
        let made = catch_unwind(AssertUnwindSafe(|| mixer.mix(now)));
        let Ok(made) = made else {
            let (bridge, music) = (bridge.id.clone(), bridge.music.clone());
            self.totals.defects += 1;
            self.end_bridge(now, slot, music);
            return self.tell(Event::BridgeEnded { bridge });
        };
        self.timers.put(mixer.due(), Wake::Mix(slot));
        if made {
            self.totals.encoded += mixer.mixes() as u64;
            self.totals.concealed += mixer.take_concealed();
            self.hand_out(now, slot);
        }
    }

    fn hand_out(&mut self, now: Instant, at: Slot) {
        let mut bytes = [0; FRAME_BYTES_MAX];
        for n in 0.. {
            let mixer = self.bridges.get(at).and_then(|bridge| bridge.mixer.as_ref());
            let Some((mixer, ear)) = mixer.and_then(|mixer| mixer.ear(n).map(|ear| (mixer, ear))) else { return };
            let mixed = mixer.frame(ear, &mut bytes).filter(|_| !self.beeps(ear.seat));
            let Some(mixed) = mixed else { continue };
            let payload = bytes.get(..mixed.bytes).unwrap_or_default();
            let heard = Heard {
                ssrc: mixed.id.ssrc,
                index: mixed.index,
                ticks: mixed.ticks,
                payload: 0..mixed.bytes,
                digit: None,
            };
            let far_loss = media::hand_on(self, now, ear.seat, mixed.id, &heard, payload);
            self.totals.mixed += 1;
            if let Some(recorder) = self.recorder_of(ear.seat) {
                recorder.hear(now, Side::Right, mixed.id, mixed.ticks, payload);
            }
            self.expect_loss(at, ear, far_loss);
        }
    }

    fn expect_loss(&mut self, at: Slot, ear: Listening, far_loss: Option<u8>) {
        let percent = far_loss.map_or(0, |loss| u8::try_from(u32::from(loss) * 100 / 256).unwrap_or(0));
        if let Some(mixer) = self.bridges.get_mut(at).and_then(|bridge| bridge.mixer.as_mut()) {
            mixer.expect_loss(ear, percent);
        }
    }

    /// Gives the bridge a mixer if it needs one, and tells it who is heard by whom.
    fn keep_mixer(&mut self, now: Instant, at: Slot) {
        let Some(bridge) = self.bridges.get_mut(at) else { return };
        let Some((heard, ears)) = bridge.mixing() else { return };
        let (mixer, fresh) = bridge.mixer(now, at.number());
        mixer.seat(now, &heard, ears);
        if fresh {
            self.timers.put(mixer.due(), Wake::Mix(at));
        }
    }

    /// An ear that heard a mix hears one voice from now on: what of it still waited for its turn goes out at once, so
    /// that no word is lost.
    fn hand_over(&mut self, now: Instant, at: Slot, voice: Slot, ear: Slot) {
        if self.beeps(ear) {
            return;
        }
        let Some(mixer) = self.bridges.get_mut(at).and_then(|bridge| bridge.mixer.take()) else { return };
        if let Some((Some(id), waiting)) = mixer.waiting(voice) {
            for held in waiting {
                let payload = 0..held.payload.len();
                let heard = Heard { ssrc: id.ssrc, index: held.index, ticks: held.ticks, payload, digit: None };
                media::hand_on(self, now, ear, id, &heard, &held.payload);
                if let Some(recorder) = self.recorder_of(ear) {
                    recorder.hear(now, Side::Right, id, held.ticks, &held.payload);
                }
            }
        }
        if let Some(bridge) = self.bridges.get_mut(at) {
            bridge.mixer = Some(mixer);
        }
    }

    /// A member hears nobody any more. Neither voice is recorded.
    fn quieten(&mut self, now: Instant, seat: Slot, hears: Backdrop) {
        self.hear_own(now, seat, hears);
        if let Some(recorder) = self.recorder_of(seat) {
            recorder.hush(now);
        }
    }

    /// Puts the moment at which the others' silence is too long into the timers.
    fn watch(&mut self, at: Slot) {
        let heard = self.last_voice(at);
        let Some(bridge) = self.bridges.get(at) else { return };
        if let Some(silent_at) = bridge.silent_at(heard) {
            self.timers.put(silent_at, Wake::Bridge(at));
        }
    }

    /// When anyone but the caller was heard last.
    fn last_voice(&self, at: Slot) -> Option<Instant> {
        let others = self.bridges.get(at)?.others();
        others.filter_map(|seat| self.seats.get(seat)?.leg.last_voice()).max()
    }
}
