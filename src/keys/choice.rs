//! Which algorithm signs whose tokens.

use crate::config::{self, AlgorithmFor};
use crate::crypto::Algorithm;

/// A client's choice, else its audience's, else the default.
pub(super) struct Choice {
    pub(super) default: Algorithm,
    by_client: Vec<AlgorithmFor>,
    by_audience: Vec<AlgorithmFor>,
}

impl Choice {
    pub(super) fn new(settings: &config::Keys) -> Self {
        Self {
            default: settings.default_algorithm,
            by_client: settings.by_client.clone(),
            by_audience: settings.by_audience.clone(),
        }
    }

    pub(super) fn of(&self, client: &str, audience: &str) -> Algorithm {
        let chosen = |among: &[AlgorithmFor], name: &str| {
            let found = among.iter().find(|one| one.name == name);
            found.map(|one| one.algorithm)
        };
        chosen(&self.by_client, client)
            .or_else(|| chosen(&self.by_audience, audience))
            .unwrap_or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_goes_before_its_audience_and_both_before_the_default() {
        let given = |name: &str, algorithm| AlgorithmFor {
            name: name.to_owned(),
            algorithm,
        };
        let choice = Choice::new(&config::Keys {
            by_client: vec![given("app", Algorithm::Rs256)],
            by_audience: vec![given("api", Algorithm::EdDsa)],
            ..config::Keys::default()
        });
        assert_eq!(choice.of("app", "api"), Algorithm::Rs256);
        assert_eq!(choice.of("other", "api"), Algorithm::EdDsa);
        assert_eq!(choice.of("api", "app"), Algorithm::Es256);
    }
}
