//! The reference: the table of the design, section 4, as one would play it with pencil and paper.
//! It shares no code with what it judges.

use chrono::{DateTime, TimeDelta};

use crate::clock::Time;

pub(super) const IDLE: TimeDelta = TimeDelta::minutes(60);
pub(super) const ABSOLUTE: TimeDelta = TimeDelta::minutes(100);
pub(super) const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// When every story begins; not on a whole second.
pub(super) fn start() -> Time {
    DateTime::from_timestamp_micros(1_800_000_000_250_000).unwrap()
}

/// What a presented token leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A new generation.
    Successor,
    /// The successor that was given out before.
    SameAgain,
    /// Nothing; the family ends, for an old token was used.
    Reuse,
    /// Nothing; the family ends, for the database is older than the token.
    TooNew,
    /// Nothing, and nothing is written.
    Refused,
}

/// One session, as its row should be.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub(super) generation: i64,
    pub(super) began: Time,
    pub(super) idle_end: Time,
    pub(super) end: Time,
    pub(super) ended: Option<(Time, &'static str)>,
    pub(super) is_from_before_a_restore: bool,
}

/// One person, at one moment.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) now: Time,
    pub(super) is_active: bool,
    pub(super) families: Vec<Family>,
}

impl Person {
    pub(super) fn new() -> Self {
        Self {
            now: start(),
            is_active: true,
            families: Vec::new(),
        }
    }

    pub(super) fn open(&mut self) {
        self.families.push(Family {
            generation: 0,
            began: self.now,
            idle_end: self.now + IDLE,
            end: self.now + ABSOLUTE,
            ended: None,
            is_from_before_a_restore: false,
        });
    }

    pub(super) fn is_live(&self, family: usize) -> bool {
        let family = &self.families[family];
        self.is_active
            && family.ended.is_none()
            && !family.is_from_before_a_restore
            && self.now < family.idle_end
            && self.now < family.end
    }

    pub(super) fn present(&mut self, family: usize, token: i64) -> Answer {
        if !self.is_live(family) {
            return Answer::Refused;
        }
        let now = self.now;
        let family = &mut self.families[family];
        let age = now - family.began;
        if token == family.generation {
            family.generation += 1;
            family.began = now;
            family.idle_end = now + IDLE;
            Answer::Successor
        } else if token > family.generation {
            family.ended = Some((now, "restored"));
            Answer::TooNew
        } else if token + 1 == family.generation && age < LEEWAY {
            Answer::SameAgain
        } else {
            family.ended = Some((now, "reuse"));
            Answer::Reuse
        }
    }

    /// Ends a family that had not been ended; one that has merely expired counts as well.
    pub(super) fn end(&mut self, family: usize, why: &'static str) {
        let now = self.now;
        self.families[family].ended.get_or_insert((now, why));
    }

    pub(super) fn end_all_but(&mut self, keep: Option<usize>, why: &'static str) {
        let others = (0..self.families.len()).filter(|family| Some(*family) != keep);
        for family in others.collect::<Vec<_>>() {
            self.end(family, why);
        }
    }

    pub(super) fn restore(&mut self) {
        for family in &mut self.families {
            family.is_from_before_a_restore = true;
        }
    }
}
