//! Our checks: paced, resent, nominating; and the answers to them (RFC 8445 §7.2, §8.1).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::ways::{Check, Way, WayState};
use super::{BadCheck, Ice, PACING, PROVEN_FOR, Pair, Phase};
use crate::wire::sdp::{host_priority, peer_reflexive_priority};
use crate::wire::stun::{BindingRequest, ErrorCode, Message, Role, Transaction};

impl Ice {
    /// Makes the next check if it is time for one.
    pub(super) fn ask_next(&mut self, now: Instant) {
        if self.better_until.is_some_and(|until| now >= until) {
            self.nominate_best(now);
        }
        if self.next_ask(now).is_none_or(|at| at > now) {
            return;
        }
        let best = self.ways.all.iter().filter(|way| self.ready_at(way, now).is_some_and(|at| at <= now));
        let Some(pair) = best.max_by_key(|way| (way.triggered, way.priority)).map(|way| way.pair) else { return };
        self.ask(now, pair);
    }

    /// When the next check may leave.
    pub(super) fn next_ask(&self, now: Instant) -> Option<Instant> {
        self.theirs.as_ref()?;
        let ready = self.ways.all.iter().filter_map(|way| self.ready_at(way, now)).min();
        let paced = self.asked_at.and_then(|at| at.checked_add(PACING));
        let ask = ready.map(|at| paced.map_or(at, |paced| at.max(paced)));
        [ask, self.better_until].into_iter().flatten().min()
    }

    /// When a pair wants its next check: now, at the resend, or never.
    fn ready_at(&self, way: &Way, now: Instant) -> Option<Instant> {
        if way.triggered {
            return Some(now);
        }
        match (&way.check, self.phase) {
            (Some(check), _) if self.selected != Some(way.pair) || self.phase != Phase::Connected => {
                Some(check.resend_at)
            }
            (None, Phase::Checking { .. }) if way.state == WayState::Waiting => Some(now),
            _ => None,
        }
    }

    /// Sends the pair's check, again or anew.
    fn ask(&mut self, now: Instant, pair: Pair) {
        let nominate = self.nominating == Some(pair);
        let fresh = self.fresh_transaction();
        let is_connected = self.phase == Phase::Connected;
        let Some(way) = self.ways.find(pair) else { return };
        way.triggered = false;
        let check = way.check.filter(|check| check.nominate == nominate);
        let sends = check.map_or(0, |check| check.sends).saturating_add(1);
        // While a pair is being looked for none is given up: the peer may not have been told of us yet.
        if sends > SENDS_MAX && (is_connected || nominate) {
            way.state = WayState::Bad;
            way.check = None;
            way.wanted = false;
            return self.nomination_failed(now, pair);
        }
        let wait = if sends == 1 { RESEND_FIRST } else { RESEND };
        let transaction = check.map_or(fresh, |check| check.transaction);
        way.check = Some(Check { transaction, nominate, sends, resend_at: now.checked_add(wait).unwrap_or(now) });
        if !way.is_good() {
            way.state = WayState::Asked;
        }
        self.asked_at = Some(now);
        self.send_check(pair, transaction, nominate);
    }

    /// Asks the selected pair for consent, each time with a new transaction (RFC 7675 §5.1).
    pub(super) fn ask_consent(&mut self, now: Instant) {
        let Some(pair) = self.selected.filter(|_| self.phase == Phase::Connected) else { return };
        if self.consent.take_turn(now, &mut self.rng) {
            let transaction = self.fresh_transaction();
            self.ask_selected(now, pair, transaction);
        }
    }

    /// Asks the selected pair out of turn when it fell silent, and leaves it when it stays so.
    pub(super) fn feel_pulse(&mut self, now: Instant) {
        let Some(pair) = self.selected.filter(|_| self.phase == Phase::Connected) else { return };
        if let Some(before) = self.pulse.take_turn(now) {
            let fresh = self.fresh_transaction();
            let under_way = self.ways.find(pair).and_then(|way| way.check).filter(|_| before > 0);
            self.ask_selected(now, pair, under_way.map_or(fresh, |check| check.transaction));
        }
        if self.pulse.dies(now) {
            self.leave_dead_pair(now);
        }
    }

    /// In control we nominate with every such check: a peer that sees us come from elsewhere follows us at once.
    fn ask_selected(&mut self, now: Instant, pair: Pair, transaction: Transaction) {
        let nominate = self.controlling;
        if let Some(way) = self.ways.find(pair) {
            way.check = Some(Check { transaction, nominate, sends: 1, resend_at: now });
            self.send_check(pair, transaction, nominate);
        }
    }

    /// Goes over to the pair that answered last; if none did lately, all are asked again, and the first to answer has it.
    pub(super) fn leave_dead_pair(&mut self, now: Instant) {
        let dead = self.selected;
        let proven_at = |way: &&Way| match way.state {
            WayState::Good(at) if now.saturating_duration_since(at) < PROVEN_FOR => Some(at),
            _ => None,
        };
        let others = self.ways.all.iter().filter(|way| Some(way.pair) != dead && proven_at(way).is_some());
        if let Some(pair) = others.max_by_key(proven_at).map(|way| way.pair) {
            return self.go_over(now, pair);
        }
        for way in self.ways.all.iter_mut().filter(|way| Some(way.pair) != dead) {
            way.state = WayState::Waiting;
            way.check = None;
            way.triggered = true;
        }
    }

    /// Leaves a dead pair for one that has just answered.
    fn go_over(&mut self, now: Instant, pair: Pair) {
        if self.controlling {
            self.nominating = Some(pair);
            self.ask(now, pair);
        } else {
            self.select(now, pair);
        }
    }

    /// The priority of our candidate at `local`; of our first, if the socket has other addresses than we know.
    pub(super) fn local_priority(&self, local: SocketAddr) -> u32 {
        let known = self.locals.iter().find(|known| known.addr == local);
        known.map_or(host_priority(0), |local| local.priority)
    }

    fn send_check(&mut self, pair: Pair, transaction: Transaction, nominate: bool) {
        let Some(theirs) = &self.theirs else { return };
        let role = if self.controlling { Role::Controlling(self.tie) } else { Role::Controlled(self.tie) };
        let priority = peer_reflexive_priority(self.local_priority(pair.local));
        let packet =
            BindingRequest { transaction, username: &theirs.username, priority, role, nominate }.write(&theirs.key);
        self.send(pair, packet);
    }

    /// Takes a success.
    pub(super) fn answered(&mut self, now: Instant, from: SocketAddr, message: &Message<'_>) -> Result<(), BadCheck> {
        let (pair, check) = self.prove(from, message)?;
        let (controlling, connected) = (self.controlling, self.phase == Phase::Connected);
        let Some(way) = self.ways.find(pair) else { return Err(BadCheck::Unasked) };
        way.state = WayState::Good(now);
        way.heard_at = Some(now);
        way.check = None;
        let wanted = way.wanted && !controlling;
        let order = way.nominated;
        if connected && self.selected == Some(pair) {
            self.consent.renew(now);
            self.pulse.is_alive();
            way.wanted = false;
        } else if (check.nominate && controlling) || (wanted && order >= self.newest_nomination()) {
            self.select(now, pair);
        } else if controlling && (!connected || self.consent.is_doubtful(now)) {
            self.consider_nomination(now);
        } else if connected {
            match self.pulse.is_dead() {
                true => self.go_over(now, pair),
                false => self.pulse.suspect(now),
            }
        }
        Ok(())
    }

    /// Takes an error. Only a role conflict means something; the rest is answered by the next resend.
    pub(super) fn refused(&mut self, now: Instant, from: SocketAddr, message: &Message<'_>) -> Result<(), BadCheck> {
        let (pair, _) = self.prove(from, message)?;
        let lite = self.theirs.as_ref().is_some_and(|theirs| theirs.lite);
        if message.error_code() == Some(ErrorCode::RoleConflict.number()) && !lite {
            // RFC 8445 §7.2.5.1: switch roles and ask again.
            self.set_controlling(!self.controlling);
            if let Some(way) = self.ways.find(pair) {
                way.check = None;
                way.state = WayState::Waiting;
                way.triggered = true;
                way.heard_at = Some(now);
            }
        }
        Ok(())
    }

    /// The question an answer belongs to, if it is genuine and came from whom it was asked.
    fn prove(&self, from: SocketAddr, message: &Message<'_>) -> Result<(Pair, Check), BadCheck> {
        let way = self.ways.asked_by(message.transaction()).ok_or(BadCheck::Unasked)?;
        let (check, theirs) = way.check.zip(self.theirs.as_ref()).ok_or(BadCheck::Unasked)?;
        message.verify(&theirs.key).map_err(BadCheck::Unproven)?;
        if way.pair.remote != from {
            return Err(BadCheck::Source);
        }
        Ok((way.pair, check))
    }

    /// Nominates the best pair that answered, unless a better one may still answer shortly.
    fn consider_nomination(&mut self, now: Instant) {
        if self.nominating.is_some() {
            return;
        }
        let Some(best) = self.best_good() else { return };
        let better = self.ways.all.iter().any(|way| way.is_open() && way.priority > best);
        match self.better_until {
            None if better => self.better_until = now.checked_add(BETTER_WAIT),
            Some(until) if better && now < until => {}
            _ => self.nominate_best(now),
        }
    }

    fn nominate_best(&mut self, now: Instant) {
        self.better_until = None;
        let best = self.ways.all.iter().filter(|way| way.is_good() && self.selected_is_not(way.pair));
        let Some(pair) = best.max_by_key(|way| way.priority).map(|way| way.pair) else { return };
        self.nominating = Some(pair);
        self.ask(now, pair);
    }

    /// A pair that is selected and working is not nominated anew; one from before a restart is.
    fn selected_is_not(&self, pair: Pair) -> bool {
        self.phase != Phase::Connected || self.selected != Some(pair)
    }

    fn nomination_failed(&mut self, now: Instant, pair: Pair) {
        if self.nominating == Some(pair) {
            self.nominating = None;
            self.consider_nomination(now);
        }
    }

    fn best_good(&self) -> Option<u64> {
        self.ways.all.iter().filter(|way| way.is_good()).map(|way| way.priority).max()
    }

    /// The running number of the nomination that made the selected pair, if it was the peer's.
    fn newest_nomination(&self) -> Option<u64> {
        let selected = self.selected.filter(|_| self.phase == Phase::Connected)?;
        self.ways.all.iter().find(|way| way.pair == selected)?.nominated
    }

    fn fresh_transaction(&mut self) -> Transaction {
        Transaction(self.rng.random())
    }
}

/// Wait before the first resend. RFC 8445 §14.3 has 500 ms for the sake of dozens of pairs on one line; a leg has one
/// or two, and half a second is what a caller hears.
const RESEND_FIRST: Duration = Duration::from_millis(250);
/// Wait before each further resend: not longer, for the peer may not have been told of us yet.
const RESEND: Duration = Duration::from_millis(500);
/// Checks of a pair that is being nominated, or that was learnt while another was selected.
const SENDS_MAX: u32 = 8;
/// How long a better pair may take after the first answer.
const BETTER_WAIT: Duration = Duration::from_millis(100);
