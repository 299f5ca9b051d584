//! The order in which hashing jobs are served: addresses take turns, and none may fill the queue.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};

/// Who a job is counted against: an IPv4 address, an IPv6 network of 64 bits (what one customer
/// is given), or none for ourselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin(Option<IpAddr>);

impl From<Option<IpAddr>> for Origin {
    fn from(address: Option<IpAddr>) -> Self {
        const NETWORK: u128 = !0 << 64;
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(host) => Ipv6Addr::from_bits(host.to_bits() & NETWORK).into(),
            v4 @ IpAddr::V4(_) => v4,
        }))
    }
}

/// Why a job was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    /// There is no room at all.
    #[error("the queue of password hashes is full")]
    Queue,
    /// This origin holds half of the room already.
    #[error("one address holds half of the queue of password hashes")]
    Share,
}

/// A bounded queue in which origins are served in turn, each in the order of its own arrivals.
pub(super) struct FairQueue<J> {
    /// Every origin that has a job waiting, once; the first is served next.
    turns: VecDeque<Origin>,
    waiting: HashMap<Origin, VecDeque<J>>,
    length: usize,
    capacity: usize,
}

impl<J> FairQueue<J> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            turns: VecDeque::new(),
            waiting: HashMap::new(),
            length: 0,
            capacity,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Whether there is room for one more of that origin.
    pub(super) fn room(&self, origin: Origin) -> Result<(), Full> {
        let own = self.waiting.get(&origin).map_or(0, VecDeque::len);
        if self.length >= self.capacity {
            Err(Full::Queue)
        } else if own > 0 && own >= self.capacity / 2 {
            Err(Full::Share)
        } else {
            Ok(())
        }
    }

    pub(super) fn push(&mut self, origin: Origin, job: J) -> Result<(), Full> {
        self.room(origin)?;
        match self.waiting.entry(origin) {
            Entry::Occupied(mut own) => own.get_mut().push_back(job),
            Entry::Vacant(own) => {
                own.insert(VecDeque::from([job]));
                self.turns.push_back(origin);
            }
        }
        self.length += 1;
        Ok(())
    }

    /// Takes out what is not to be kept.
    pub(super) fn retain(&mut self, keep: impl Fn(&J) -> bool) {
        for own in self.waiting.values_mut() {
            own.retain(&keep);
        }
        self.waiting.retain(|_, own| !own.is_empty());
        self.turns
            .retain(|origin| self.waiting.contains_key(origin));
        self.length = self.waiting.values().map(VecDeque::len).sum();
    }

    pub(super) fn pop(&mut self) -> Option<J> {
        let origin = self.turns.pop_front()?;
        let Entry::Occupied(mut own) = self.waiting.entry(origin) else {
            return None;
        };
        let job = own.get_mut().pop_front();
        if own.get().is_empty() {
            own.remove();
        } else {
            self.turns.push_back(origin);
        }
        self.length -= usize::from(job.is_some());
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> Origin {
        Some(address.parse::<IpAddr>().unwrap()).into()
    }

    fn drain<J>(queue: &mut FairQueue<J>) -> Vec<J> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn addresses_take_turns_each_in_its_own_order() {
        let mut queue = FairQueue::new(20);
        for (address, job) in [
            ("192.0.2.1", "a1"),
            ("192.0.2.1", "a2"),
            ("192.0.2.1", "a3"),
            ("192.0.2.2", "b1"),
            ("192.0.2.3", "c1"),
            ("192.0.2.2", "b2"),
        ] {
            queue.push(origin(address), job).unwrap();
        }
        assert_eq!(queue.len(), 6);
        assert_eq!(drain(&mut queue), ["a1", "b1", "c1", "a2", "b2", "a3"]);
        assert_eq!(queue.len(), 0);
        assert!(queue.waiting.is_empty() && queue.turns.is_empty());
    }

    #[test]
    fn one_address_holds_at_most_half_and_all_together_the_whole() {
        let mut queue = FairQueue::new(10);
        let first = origin("192.0.2.1");
        for job in 0..5 {
            queue.push(first, job).unwrap();
        }
        assert_eq!(queue.push(first, 5), Err(Full::Share));
        for job in 0..5 {
            queue.push(origin("192.0.2.2"), job).unwrap();
        }
        assert_eq!(queue.push(origin("192.0.2.3"), 0), Err(Full::Queue));
        assert_eq!(queue.len(), 10);
        queue.pop();
        assert_eq!(queue.push(first, 5), Ok(()));
    }

    #[test]
    fn what_is_taken_out_leaves_the_others_their_turns() {
        let mut queue = FairQueue::new(10);
        for (address, job) in [
            ("192.0.2.1", 1),
            ("192.0.2.1", 2),
            ("192.0.2.2", 3),
            ("192.0.2.3", 4),
            ("192.0.2.1", 5),
        ] {
            queue.push(origin(address), job).unwrap();
        }
        queue.retain(|job| ![1, 3].contains(job));
        assert_eq!(queue.len(), 3);
        assert_eq!(drain(&mut queue), [2, 4, 5]);
        assert!(queue.waiting.is_empty() && queue.turns.is_empty());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_and_mapped_addresses_as_what_they_map() {
        assert_eq!(origin("2001:db8:1:2::1"), origin("2001:db8:1:2:ffff::9"));
        assert_ne!(origin("2001:db8:1:2::1"), origin("2001:db8:1:3::1"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
        assert_ne!(origin("::"), Origin::from(None));
    }
}
