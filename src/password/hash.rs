//! Argon2id (RFC 9106) and the strings its hashes are stored as.

use argon2::password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};

use super::Plaintext;
use crate::error::{Error, Result};
use crate::{config, crypto};

const SALT_LENGTH: usize = 16;
const OUTPUT_LENGTH: usize = 32;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// Memory in KiB.
    pub(super) memory: u32,
    /// Passes over the memory.
    pub(super) time: u32,
    /// Lanes. We compute them one after the other; imported hashes may have several.
    pub(super) lanes: u32,
}

impl Cost {
    /// OWASP's recommendation, and our default.
    pub(super) const DEFAULT: Self = Self {
        memory: 19_456,
        time: 2,
        lanes: 1,
    };

    /// The most we compute: a stored hash beyond it could occupy a thread for minutes.
    const LARGEST: Self = Self {
        memory: 1 << 20,
        time: 16,
        lanes: 16,
    };

    pub(super) fn from_settings(settings: &config::Password) -> Result<Self> {
        let cost = Self {
            memory: settings.argon2_memory_kib,
            time: settings.argon2_time,
            lanes: 1,
        };
        cost.params().map_err(|_| {
            Error::setup(format!(
                "[password] argon2_memory_kib = {} and argon2_time = {} cannot be used: choose 8 \
                 to {} KiB and 1 to {} passes (recommended: {} and {})",
                cost.memory,
                cost.time,
                Self::LARGEST.memory,
                Self::LARGEST.time,
                Self::DEFAULT.memory,
                Self::DEFAULT.time,
            ))
        })?;
        Ok(cost)
    }

    /// KiB to be filled, all passes together.
    pub(super) fn work(self) -> u64 {
        u64::from(self.memory) * u64::from(self.time)
    }

    /// For the default output; an error if the cost is out of bounds.
    pub(super) fn params(self) -> Result<Params> {
        self.params_for(OUTPUT_LENGTH)
    }

    fn params_for(self, output: usize) -> Result<Params> {
        let largest = Self::LARGEST;
        if self.memory > largest.memory || self.time > largest.time || self.lanes > largest.lanes {
            return Err(Error::internal("argon2 parameters beyond the cap"));
        }
        Params::new(self.memory, self.time, self.lanes, Some(output)).map_err(Error::internal)
    }

    fn from_phc(params: &ParamsString) -> Option<Self> {
        // The crate would fill in defaults for what is missing; a hash made by nobody's
        // parameters is one we cannot trust.
        if params.iter().count() != 3 {
            return None;
        }
        Some(Self {
            memory: params.get_decimal("m")?,
            time: params.get_decimal("t")?,
            lanes: params.get_decimal("p")?,
        })
    }
}

/// One thread's memory. Using it again is up to three times faster than allocating it for every
/// hash, and keeps the process small; the algorithm overwrites every block before reading it.
pub(super) struct Memory {
    blocks: Vec<Block>,
    usual: usize,
}

impl Memory {
    /// Nothing yet: `usual` blocks (of 1 KiB) are taken at the first use.
    pub(super) fn new(usual: usize) -> Self {
        Self {
            blocks: Vec::new(),
            usual,
        }
    }

    /// Computes one hash into `out`. What needs more than the usual memory gets its own, for as
    /// long as it takes.
    fn compute(
        &mut self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> Result<()> {
        let needed = argon2.params().block_count();
        let mut larger = Vec::new();
        let blocks = if needed > self.usual {
            grow(&mut larger, needed)?;
            &mut larger
        } else {
            grow(&mut self.blocks, self.usual)?;
            &mut self.blocks
        };
        argon2
            .hash_password_into_with_memory(password, salt, out, blocks.as_mut_slice())
            .map_err(Error::internal)
    }
}

fn grow(blocks: &mut Vec<Block>, length: usize) -> Result<()> {
    blocks
        .try_reserve_exact(length.saturating_sub(blocks.len()))
        .map_err(|error| Error::unavailable(1, error))?;
    blocks.resize(length, Block::new());
    Ok(())
}

fn argon2id(params: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes `password` with a fresh salt.
pub(super) fn make(password: &Plaintext, cost: Cost, memory: &mut Memory) -> Result<String> {
    let params = cost.params()?;
    let salt = crypto::random::<SALT_LENGTH>();
    let mut out = [0; OUTPUT_LENGTH];
    let written = ParamsString::try_from(&params).map_err(Error::internal)?;
    memory.compute(
        &argon2id(params),
        password.expose().as_bytes(),
        &salt,
        &mut out,
    )?;
    let phc = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: written,
        salt: Some(Salt::new(&salt).map_err(Error::internal)?),
        hash: Some(Output::new(&out).map_err(Error::internal)?),
    };
    Ok(phc.to_string())
}

/// A hash to compare with.
pub(super) struct Stored {
    cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Stored {
    /// Reads a PHC string, or finds it malformed. Only what we can verify faithfully passes:
    /// argon2id, version 19, all three parameters and none besides, within the cap.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let phc = PasswordHash::new(text).ok()?;
        let stored = Self {
            cost: Cost::from_phc(&phc.params)?,
            salt: phc.salt?.to_vec(),
            hash: phc.hash?.as_bytes().to_vec(),
        };
        let ours: (Ident, Option<u32>) = (ARGON2ID_IDENT, Some(Version::V0x13.into()));
        let computable = stored.cost.params_for(stored.hash.len()).is_ok();
        ((phc.algorithm, phc.version) == ours && computable).then_some(stored)
    }

    /// A hash of nothing in particular, as costly to compare with as a real one.
    pub(super) fn decoy(cost: Cost) -> Self {
        Self {
            cost,
            salt: crypto::random::<SALT_LENGTH>().to_vec(),
            hash: crypto::random::<OUTPUT_LENGTH>().to_vec(),
        }
    }

    /// Whether it is the hash of `password`.
    pub(super) fn is_hash_of(&self, password: &Plaintext, memory: &mut Memory) -> Result<bool> {
        let argon2 = argon2id(self.cost.params_for(self.hash.len())?);
        let mut out = vec![0; self.hash.len()];
        let password = password.expose().as_bytes();
        memory.compute(&argon2, password, &self.salt, &mut out)?;
        Ok(crypto::constant_time_eq(&out, &self.hash))
    }

    /// What it costs to compare a password with it.
    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// A decoy that cannot be computed: where it is, an error comes of it.
    #[cfg(test)]
    pub(super) fn broken(cost: Cost) -> Self {
        Self {
            hash: Vec::new(),
            ..Self::decoy(cost)
        }
    }

    /// Whether a hash made today would have the same parameters and lengths.
    pub(super) fn is_made_with(&self, cost: Cost) -> bool {
        self.cost == cost && self.salt.len() == SALT_LENGTH && self.hash.len() == OUTPUT_LENGTH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{AssociatedData, ParamsBuilder};
    use proptest::prelude::*;

    /// RFC 9106, section 5.3, in memory that was used before.
    #[test]
    fn the_vector_of_rfc_9106_comes_out_of_reused_memory() {
        let data = AssociatedData::new(&[4; 12]).unwrap();
        let mut builder = ParamsBuilder::new();
        builder.m_cost(32).t_cost(3).p_cost(4).data(data);
        let params = builder.build().unwrap();
        let version = Version::V0x13;
        let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, version, params);
        let argon2 = argon2.unwrap();
        let expected = [
            0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b,
            0x53, 0xc9, 0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9,
            0x6b, 0x01, 0xe6, 0x59,
        ];
        let mut memory = Memory::new(40);
        for _ in 0..3 {
            let mut out = [0; 32];
            memory
                .compute(&argon2, &[1; 32], &[2; 16], &mut out)
                .unwrap();
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn the_block_is_taken_at_first_use_kept_and_not_outgrown() {
        let usual = Cost {
            memory: 16,
            time: 1,
            lanes: 1,
        };
        let larger = Cost {
            memory: 64,
            ..usual
        };
        let password = Plaintext::new("correct horse");
        let mut memory = Memory::new(usual.params().unwrap().block_count());
        assert_eq!(memory.blocks.capacity(), 0);
        let hashes = [usual, larger, usual].map(|cost| make(&password, cost, &mut memory));
        assert_eq!(memory.blocks.capacity(), 16);
        for hash in hashes {
            let stored = Stored::parse(&hash.unwrap()).unwrap();
            assert!(stored.is_hash_of(&password, &mut Memory::new(0)).unwrap());
        }
    }

    #[test]
    fn a_decoy_costs_what_a_real_hash_costs() {
        let decoy = Stored::decoy(Cost::DEFAULT);
        assert!(decoy.is_made_with(Cost::DEFAULT));
    }

    #[test]
    fn settings_beyond_what_can_be_verified_are_refused_by_name() {
        for (memory, time) in [(7, 1), (8, 0), ((1 << 20) + 1, 1), (8, 17), (u32::MAX, 1)] {
            let settings = config::Password {
                argon2_memory_kib: memory,
                argon2_time: time,
                ..config::Password::default()
            };
            let error = Cost::from_settings(&settings).unwrap_err();
            assert!(error.to_string().contains("argon2_memory_kib"), "{error}");
        }
        let default = Cost::from_settings(&config::Password::default()).unwrap();
        assert_eq!(default, Cost::DEFAULT);
    }

    proptest! {
        #[test]
        fn exactly_what_can_be_computed_within_the_cap_is_read(
            version in 18..21_u32,
            memory in prop_oneof![0..300_u32, 1_048_570..1_048_580_u32, any::<u32>()],
            time in 0..20_u32,
            lanes in 0..20_u32,
        ) {
            let params = format!("v={version}$m={memory},t={time},p={lanes}");
            let text = format!("$argon2id${params}$c29tZXNhbHQ${}", "A".repeat(43));
            let sound = version == 19
                && (8 * lanes..=1 << 20).contains(&memory)
                && (1..=16).contains(&time)
                && (1..=16).contains(&lanes);
            prop_assert_eq!(Stored::parse(&text).is_some(), sound);
        }

        #[test]
        fn no_string_breaks_the_reader(text in r"(\$argon2id)?(\$|v=|19|[mtp]=[0-9]*|,|\PC){0,30}") {
            // The pattern has no room for salt and hash of a sound length.
            prop_assert!(Stored::parse(&text).is_none());
        }
    }
}
