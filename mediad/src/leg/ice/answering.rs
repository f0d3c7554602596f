//! The peer's checks: proven, answered, learnt from (RFC 8445 §7.3).

use std::time::Instant;

use super::ways::WayState;
use super::{BadCheck, Ice, PROVEN_FOR, Pair, Phase};
use crate::wire::stun::{ErrorCode, Key, Message, Role, binding_error, binding_success};

impl Ice {
    pub(super) fn answer(&mut self, now: Instant, pair: Pair, message: &Message<'_>) -> Result<(), BadCheck> {
        let ufrag = message.receiver_ufrag().ok_or(BadCheck::Username)?;
        let (key, is_current) = self.key_of(ufrag).ok_or(BadCheck::Username)?;
        message.verify(&key).map_err(BadCheck::Unproven)?;
        let transaction = message.transaction();
        let unknown: Vec<u16> = message.unknown_required().collect();
        if !unknown.is_empty() {
            self.send(pair, binding_error(transaction, ErrorCode::UnknownAttribute, &unknown, Some(&key)));
            return Ok(());
        }
        let (Some(priority), Some(role)) = (message.priority(), message.role()) else {
            return Err(BadCheck::Incomplete);
        };
        if is_current && !self.settles_roles(role) {
            self.send(pair, binding_error(transaction, ErrorCode::RoleConflict, &[], Some(&key)));
            return Ok(());
        }
        self.send(pair, binding_success(transaction, pair.remote, &key));
        if is_current {
            self.learn(now, pair, priority, message.nominates());
        }
        Ok(())
    }

    /// The key of a user fragment of ours, and whether it is the current generation's.
    fn key_of(&self, ufrag: &str) -> Option<(Key, bool)> {
        if ufrag == self.ours.ufrag {
            return Some((self.ours.key.clone(), true));
        }
        let before = self.before.as_ref().filter(|before| before.ufrag == ufrag)?;
        Some((before.key.clone(), false))
    }

    /// RFC 8445 §7.3.1.1: the greater tie breaker is in control. False if the peer must give in.
    fn settles_roles(&mut self, theirs: Role) -> bool {
        match (self.controlling, theirs) {
            (true, Role::Controlling(tie)) if self.tie >= tie => false,
            (true, Role::Controlling(_)) => {
                // An ICE-lite peer never controls, whatever it says.
                if !self.theirs.as_ref().is_some_and(|theirs| theirs.lite) {
                    self.set_controlling(false);
                }
                true
            }
            (false, Role::Controlled(tie)) if self.tie >= tie => {
                self.set_controlling(true);
                true
            }
            (false, Role::Controlled(_)) => false,
            (true, Role::Controlled(_)) | (false, Role::Controlling(_)) => true,
        }
    }

    pub(super) fn set_controlling(&mut self, controlling: bool) {
        self.controlling = controlling;
        self.nominating = None;
        self.ways.prioritise(controlling);
    }

    fn learn(&mut self, now: Instant, pair: Pair, priority: u32, nominates: bool) {
        let (controlling, selected) = (self.controlling, self.selected);
        let is_selected = selected == Some(pair) && self.phase == Phase::Connected;
        self.nominations = self.nominations.saturating_add(1);
        let order = self.nominations;
        let priorities = (self.local_priority(pair.local), priority);
        let Some(way) = self.ways.learn(pair, priorities, controlling, selected) else { return };
        way.heard_at = Some(now);
        if nominates && !controlling && !is_selected {
            // The first nomination of a pair moves us at once. To come back to an earlier one the peer must insist:
            // a peer that nominates several pairs in turn would have us jump for ever.
            way.insisted = way.insisted.saturating_add(1);
            way.wanted |= way.nominated.is_none() || way.insisted >= INSISTED_MIN;
            way.nominated = Some(order);
        }
        let proven = matches!(way.state, WayState::Good(at) if now.saturating_duration_since(at) < PROVEN_FOR);
        let wanted = way.wanted;
        if !proven && !is_selected {
            // RFC 8445 §7.3.1.4. A check already under way is sent again at once, an old one made anew.
            way.triggered = true;
            if !way.is_open() {
                way.state = WayState::Waiting;
                way.check = None;
            }
        }
        if proven && wanted {
            self.select(now, pair);
        }
        if is_selected && nominates {
            self.ways.all.iter_mut().for_each(|other| other.insisted = 0);
        }
    }
}

/// How often a pair nominated before must be nominated, the selected one not, until we go back to it.
const INSISTED_MIN: u32 = 2;
