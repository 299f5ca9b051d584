//! Whom requests are about: classes of accounts that nobody outside may tell apart.

use crate::Outcome;
use crate::installation::{Account, Installation};
use crate::statistics::Random;

/// Failures under one name that the limits let pass without a delay, at their most generous.
pub(crate) const FREE: usize = 20;

/// Before the `@` of an address, and the user name: as long for everybody.
const LENGTH: usize = 12;

pub(crate) const RIGHT: &str = "orbit-walnut-lantern-47";
pub(crate) const WRONG: &str = "orbit-walnut-lantern-48";

/// What is true of a name or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A confirmed, active account.
    Known,
    /// Nobody has it.
    Unknown,
    /// Its account was disabled.
    Disabled,
    /// Its account has yet to confirm the address.
    Unconfirmed,
    /// Two accounts claim the address, and neither has confirmed it.
    ClaimedTwice,
    /// The password's hash was made with half of today's memory.
    Outdated,
    /// Not about anybody: the request is refused before any work.
    Malformed,
}

/// The names of one class, to be used in turn: a single one would be in every cache.
pub(crate) struct People {
    pub(crate) class: Class,
    names: Vec<String>,
    turn: usize,
}

impl People {
    /// Makes so many of two classes, in turns: neither's rows are older or closer together.
    pub(crate) fn of(
        classes: [Class; 2],
        count: usize,
        installation: &Installation<'_>,
        random: &mut Random,
    ) -> Outcome<[Self; 2]> {
        let mut both = classes.map(|class| Self {
            class,
            names: Vec::new(),
            turn: 0,
        });
        for _ in 0..count {
            for people in &mut both {
                let name = random_name(random);
                make(people.class, &name, installation, random)?;
                people.names.push(name);
            }
        }
        Ok(both)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    pub(crate) fn next(&mut self) -> &str {
        self.turn += 1;
        &self.names[self.turn % self.names.len()]
    }
}

fn make(
    class: Class,
    name: &str,
    installation: &Installation<'_>,
    random: &mut Random,
) -> Outcome<()> {
    let usual = Account {
        name,
        email: name,
        password: RIGHT,
        is_confirmed: true,
        memory_kib: installation.memory_kib,
    };
    match class {
        Class::Unknown | Class::Malformed => Ok(()),
        Class::Known => installation.create(&usual),
        Class::Disabled => {
            installation.create(&usual)?;
            installation.disable(name)
        }
        Class::Unconfirmed => installation.create(&Account {
            is_confirmed: false,
            ..usual
        }),
        Class::ClaimedTwice => {
            let claim = Account {
                is_confirmed: false,
                ..usual
            };
            installation.create(&claim)?;
            let name = &random_name(random);
            installation.create(&Account { name, ..claim })
        }
        Class::Outdated => installation.create(&Account {
            memory_kib: installation.memory_kib / 2,
            ..usual
        }),
    }
}

/// From one distribution for all classes: neither length nor order tells them apart.
pub(crate) fn random_name(random: &mut Random) -> String {
    const LETTERS: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";
    let letters = (0..LENGTH).map(|_| char::from(LETTERS[random.below(LETTERS.len())]));
    letters.collect()
}
