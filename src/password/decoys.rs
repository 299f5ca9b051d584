//! What a password is compared with where there is nothing to compare with, so that it takes as
//! long.

use std::sync::{Arc, Mutex, PoisonError};

use super::Plaintext;
use super::hash::{Cost, Memory, Stored};
use crate::error::Result;

/// Costs besides today's that everybody pays for at most: there is one for each time that the
/// settings were changed, or that people were brought from elsewhere.
const OUTDATED: usize = 4;

/// One decoy for each cost at which hashes are stored: today's, and others from when the first is
/// met until the process ends. A comparison takes one hash at each of them, whoever it is about:
/// else its time would tell who has an account, or one from long ago.
#[derive(Clone)]
pub(super) struct Decoys(Arc<Mutex<Vec<Arc<Stored>>>>);

impl Decoys {
    pub(super) fn new(today: Cost) -> Self {
        Self::of(vec![Stored::decoy(today)])
    }

    /// Just these.
    pub(super) fn of(decoys: Vec<Stored>) -> Self {
        Self(Arc::new(Mutex::new(
            decoys.into_iter().map(Arc::new).collect(),
        )))
    }

    /// Whether `known` is the hash of `password`; never, where there is none.
    pub(super) fn compare(
        &self,
        known: Option<&Stored>,
        password: &Plaintext,
        memory: &mut Memory,
    ) -> Result<bool> {
        let mut is_equal = false;
        let mut is_compared = false;
        for decoy in self.including(known) {
            let known = known.filter(|known| known.cost() == decoy.cost());
            let found = known.unwrap_or(&decoy).is_hash_of(password, memory)?;
            is_equal |= known.is_some() && found;
            is_compared |= known.is_some();
        }
        match known {
            Some(known) if !is_compared => known.is_hash_of(password, memory),
            _ => Ok(is_equal),
        }
    }

    /// All, with one for the cost of `known` if there is room for it.
    fn including(&self, known: Option<&Stored>) -> Vec<Arc<Stored>> {
        let mut decoys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cost) = known.map(Stored::cost)
            && decoys.len() <= OUTDATED
            && decoys.iter().all(|decoy| decoy.cost() != cost)
        {
            decoys.push(Arc::new(Stored::decoy(cost)));
            log::info!(
                "password hashes of other parameters than today's are stored: from now on a login \
                 takes {} hashes, so that its time does not tell whose they are",
                decoys.len()
            );
        }
        decoys.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash;
    use super::*;

    fn cost(memory: u32) -> Cost {
        Cost {
            memory,
            time: 1,
            lanes: 1,
        }
    }

    fn stored(cost: Cost, password: &Plaintext) -> Stored {
        let hash = hash::make(password, cost, &mut Memory::new(0)).unwrap();
        Stored::parse(&hash).unwrap()
    }

    #[test]
    fn each_is_hashed_for_everybody_but_whose_hash_stands_for_it() {
        let (password, memory) = (Plaintext::new("violet harbour"), &mut Memory::new(0));
        let today = stored(cost(8), &password);
        let outdated = stored(cost(16), &password);
        // Hashing these fails, and can fail only where it is done.
        let decoys = Decoys::of(vec![Stored::broken(cost(8)), Stored::decoy(cost(16))]);
        assert!(decoys.compare(Some(&today), &password, memory).unwrap());
        assert!(decoys.compare(Some(&outdated), &password, memory).is_err());
        assert!(decoys.compare(None, &password, memory).is_err());
        let decoys = Decoys::of(vec![Stored::decoy(cost(8)), Stored::broken(cost(16))]);
        assert!(decoys.compare(Some(&outdated), &password, memory).unwrap());
        assert!(decoys.compare(Some(&today), &password, memory).is_err());
        assert!(decoys.compare(None, &password, memory).is_err());
    }

    #[test]
    fn a_cost_is_paid_by_all_from_when_it_is_met_and_there_is_a_bound() {
        let (password, memory) = (Plaintext::new("violet harbour"), &mut Memory::new(0));
        let decoys = Decoys::new(cost(8));
        let costs = || decoys.including(None).len();
        assert!(!decoys.compare(None, &password, memory).unwrap());
        assert_eq!(costs(), 1);
        for met in [16, 16, 24, 32, 40, 48, 56] {
            let known = stored(cost(met), &password);
            assert!(decoys.compare(Some(&known), &password, memory).unwrap());
            let other = Plaintext::new("violet-harbour");
            assert!(!decoys.compare(Some(&known), &other, memory).unwrap());
        }
        assert_eq!(costs(), 1 + OUTDATED);
    }
}
