//! Keys from files, and to files.

use std::fs::File;
use std::io::{self, Read};

use serde_json::json;
use zeroize::Zeroizing;

use super::{any_algorithm, tell};
use crate::cli::arguments::{ExportFormat, ExportKeys, ImportKey};
use crate::cli::print_json;
use crate::crypto::{KeyFile, MAX_KEY_FILE_BYTES};
use crate::error::{Error, Result};
use crate::keys::Keys;

pub(super) async fn import(keys: &Keys, arguments: ImportKey) -> Result<()> {
    let file = read(&arguments)?;
    let file = KeyFile::read(&file)?;
    let algorithm = arguments
        .algorithm
        .as_deref()
        .map(any_algorithm)
        .transpose()?;
    let changed = if arguments.sign {
        keys.import_to_sign(file, algorithm).await?
    } else {
        let (kid, keep) = (arguments.kid.as_deref(), arguments.keep.delta());
        keys.import_to_verify(file, algorithm, kid, keep).await?
    };
    tell(keys, &changed, arguments.json);
    Ok(())
}

/// One byte more than a key may have is enough to refuse it.
fn read(arguments: &ImportKey) -> Result<Zeroizing<Vec<u8>>> {
    let limit = MAX_KEY_FILE_BYTES + 1;
    // At once as long as it can get: growing leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit));
    let read = if arguments.file.as_os_str() == "-" {
        io::stdin().take(limit as u64).read_to_end(&mut bytes)
    } else {
        File::open(&arguments.file).and_then(|file| file.take(limit as u64).read_to_end(&mut bytes))
    };
    read.map_err(|error| {
        let file = arguments.file.display();
        Error::setup(format!("cannot read {file}: {error}"))
    })?;
    Ok(bytes)
}

pub(super) fn export(keys: &Keys, arguments: &ExportKeys) -> Result<()> {
    if !arguments.public {
        return Err(Error::setup(
            "private keys do not leave the database: say --public for the public halves. To move \
             the service, take the database and the master key along",
        ));
    }
    let kid = arguments.kid.as_deref();
    match arguments.format {
        ExportFormat::Jwks => {
            let jwks = keys.export_jwks(kid)?;
            print_json(&serde_json::from_slice(&jwks.body).map_err(Error::internal)?);
        }
        ExportFormat::Pem => {
            let exported = keys.export_pem(kid)?;
            if arguments.json {
                let exported = exported
                    .iter()
                    .map(|key| json!({"kid": key.kid, "algorithm": key.algorithm, "pem": key.pem}));
                print_json(&exported.collect());
                return Ok(());
            }
            let is_one = exported.len() == 1;
            for key in exported {
                // Readers of PEM pass over what stands between blocks (RFC 7468, section 2).
                if !is_one {
                    println!("{} {}", key.algorithm, key.kid);
                }
                print!("{}", key.pem);
            }
        }
    }
    Ok(())
}
