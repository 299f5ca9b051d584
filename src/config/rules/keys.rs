//! `[keys]`.

use super::Rules;
use crate::config::{AlgorithmFor, FIRST_PARTY, Period};
use crate::crypto::Algorithm;

impl Rules<'_> {
    pub(super) fn keys(&mut self) {
        let keys = &self.config.keys;
        self.positive("keys.rotate_every", keys.rotate_every);
        self.require(
            !keys.algorithms.is_empty(),
            "keys.algorithms",
            "is empty",
            &format!("choose from {}", Algorithm::names(&Algorithm::ASYMMETRIC)),
        );
        for (number, algorithm) in keys.algorithms.iter().enumerate() {
            let mut before = keys.algorithms.iter().take(number);
            self.require(
                !before.any(|other| other == algorithm),
                "keys.algorithms",
                &format!("{algorithm} is there twice"),
                "leave one of them",
            );
        }
        self.require_all(
            keys.algorithms.contains(&keys.default_algorithm),
            &["keys.default_algorithm", "keys.algorithms"],
            &format!(
                "{:?} is none of keys.algorithms",
                keys.default_algorithm.name()
            ),
            "add it there, or choose one of them",
        );
        self.choices(
            &keys.by_client,
            "keys.by_client",
            (&[FIRST_PARTY], "client"),
        );
        let audience = self.config.tokens.audience.as_str();
        self.choices(
            &keys.by_audience,
            "keys.by_audience",
            (&[audience], "audience"),
        );
        let range = Period::seconds(1)..=Period::days(1);
        self.within("keys.jwks_max_age", keys.jwks_max_age, range);
        let range = Period::seconds(1)..=Period::minutes(5);
        self.within("keys.reload_every", keys.reload_every, range);
        let range = Period::seconds(0)..=Period::minutes(5);
        self.within("keys.clock_skew", keys.clock_skew, range);
        let least = keys.jwks_max_age.delta() + keys.reload_every.delta() + keys.clock_skew.delta();
        self.require_all(
            keys.rotate_every.as_secs() == 0
                || keys.rotate_every.delta() > least.max(keys.announce.delta()),
            &["keys.rotate_every", "keys.announce", "keys.jwks_max_age"],
            "a key would be replaced before verifiers can know its successor",
            "let rotate_every be longer than announce, and than jwks_max_age, reload_every and \
             clock_skew together",
        );
    }

    /// Each of `chosen` names one of those there are, once, and an algorithm that has a key.
    fn choices(&mut self, chosen: &[AlgorithmFor], path: &str, (known, kind): (&[&str], &str)) {
        for (number, AlgorithmFor { name, algorithm }) in chosen.iter().enumerate() {
            self.require_all(
                known.contains(&name.as_str()),
                &[path, "tokens.audience"],
                &format!("there is no {kind} {name:?}"),
                &format!("choose from {}", known.join(", ")),
            );
            let mut before = chosen.iter().take(number);
            self.require(
                !before.any(|other| other.name == *name),
                path,
                &format!("{name:?} is there twice"),
                "leave one of them",
            );
            self.require_all(
                self.config.keys.algorithms.contains(algorithm),
                &[path, "keys.algorithms"],
                &format!("\"{name}={algorithm}\": {algorithm} is none of keys.algorithms"),
                "add it there, or choose one of them",
            );
        }
    }
}
