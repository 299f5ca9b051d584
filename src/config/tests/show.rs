//! What is shown, the reference file, and the table behind both.

use secrecy::ExposeSecret as _;

use super::load;
use crate::config::Config;
use crate::config::setting::{SETTINGS, Setting};

#[test]
fn the_reference_is_the_defaults_and_names_everything() {
    let reference = Config::reference();
    let config = load(&reference, &[], &[]).expect("a sound reference");
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    assert_eq!(config.effective(), Config::default().effective());
    assert_eq!(
        config.database.url.expose_secret(),
        "sqlite://data/signet.db"
    );
    for setting in SETTINGS {
        assert!(
            reference.contains(&format!("# {}", setting.doc)),
            "{}",
            setting.path
        );
        assert!(
            !setting.doc.is_empty() && !setting.doc.ends_with('.'),
            "{}",
            setting.path
        );
    }
    assert!(reference.contains("(dev, production).\nprofile = \"dev\"\n"));
    Config::default().validate().expect("sound defaults");
}

#[test]
fn what_is_shown_reads_as_the_same_config_secrets_aside() {
    let file = "[server]\nlisten = 'localhost:9000'\nadmin_listen = ''\npublic_url = 'https://a.example/id'\n\
        trusted_proxies = ['10.0.0.0/8', '::1']\nprofile = 'production'\nworkers = 2\nmax_connections = 5\n\
        request_timeout = '6s'\nshutdown_timeout = '0s'\ndrain_delay = '3s'\n\
        [database]\nurl = 'postgres://me:hunter2@db/a?sslmode=disable'\npool_size = 3\nallow_asynchronous_commit = true\n\
        [keys]\nmaster_key_file = 'k'\nalgorithms = ['EdDSA']\ndefault_algorithm = 'EdDSA'\nby_client = ['first-party=EdDSA']\nby_audience = ['b=EdDSA']\nrotate_every = '31d'\n\
        announce = '2d'\nkeep = '2d'\njwks_max_age = '1m'\nreload_every = '2s'\nclock_skew = '0s'\n\
        [tokens]\naudience = 'b'\naccess_ttl = '90s'\naccess_typ = 'JWT'\nrefresh_idle = '1d'\nrefresh_absolute = '36h'\nrefresh_leeway = '0s'\nreuse_notice = false\n\
        [account]\nprefix = '/me'\nemail_verification = 'mandatory'\nlogin_with = ['username']\nregistration = 'closed'\n\
        email_required = true\nusername_min_length = 3\nusername_blocklist = ['root']\n\
        old_password_required = false\nlogout_on_password_change = false\nconfirm_ttl = '2d'\nreset_ttl = '1h'\nunconfirmed_ttl = '8d'\n\
        [password]\nmin_length = 15\nargon2_memory_kib = 65536\nargon2_time = 1\npool_threads = 1\n\
        [mail]\ntransport = 'smtp'\nfrom = '\"A \\ B\" <a@b.example>'\nservice_name = \"It's \\\"A\\\"\"\ndirectory = 'd'\n\
        [mail.smtp]\nhost = 'h'\nport = 465\ntls = 'implicit'\nca_file = 'c'\nusername = 'u'\npassword = 'hunter2'\n\
        [links]\nconfirm_email = 'https://a.example/#/{key}'\nreset_password = 'http://localhost/{uid}/{token}'\nchange_email = 'http://localhost/{key}'\n\
        [cookies]\nenabled = true\naccess = 'a'\nrefresh = 'r'\nrefresh_path = '/id/me'\ndomain = 'a.example'\nsecure = true\nhttp_only = true\n\
        same_site = 'None'\ncsrf_token = 'always'\ncsrf = 'c'\n\
        [cors]\norigins = ['https://app.example']\n\
        [limits]\nenabled = false\nfree_failures = 4\nmax_failures = 50\nmax_delay = '2h'\nlogins_per_minute = 9\n\
        registrations_per_hour = 9\nmails_per_hour = 9\nmails_per_hour_in_all = 9\nmail_cooldown = '9s'\n\
        [federation]\ntimeout = '2s'\nca_file = 'c'\n\
        [federation.google]\nclient_id = 'g'\nclient_secret = 'hunter2'\ncallback_url = 'postmessage'\nissuer = 'https://g.example'\ntokeninfo_url = 'https://g.example/t'\n\
        [federation.github]\nclient_id = 'h'\nclient_secret = 'hunter2'\ncallback_url = 'https://a.example/h'\napi_url = 'https://h.example'\ntoken_url = 'https://h.example/t'\n\
        [federation.oidc]\nname = 'o'\nclient_id = 'o'\nclient_secret = 'hunter2'\ncallback_url = 'https://a.example/o'\nissuer = 'https://o.example/'\n\
        [compat]\nstrict = true\nfield_names = 'legacy'\nreturn_expiration = true\nsimplejwt_prefix = '/api/token'\n\
        [docs]\nenabled = false\n\
        [log]\nformat = 'json'\nfilter = 'debug'\n";
    let config = load(file, &[], &[]).expect("sound");
    let shown = config.effective();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(
        shown.contains("url = \"postgres://me:********@db/a?sslmode=disable\"\n"),
        "{shown}"
    );
    assert!(shown.contains("password = \"********\"\n"), "{shown}");
    let again = load(&shown, &[], &[]).expect("what is shown is sound");
    assert_eq!(again.effective(), shown);
    // Debug redacts secrets, and shows all else
    assert_eq!(format!("{again:?}"), format!("{config:?}"));
    // every setting had another value than the default, but what production does not allow to be switched off
    let default = Config::default();
    let same = |setting: &&Setting| (setting.show)(&config) == (setting.show)(&default);
    let kept: Vec<_> = SETTINGS
        .iter()
        .filter(same)
        .map(|setting| setting.path)
        .collect();
    assert_eq!(kept, ["cookies.secure", "cookies.http_only"]);
    let json = config.effective_json();
    assert_eq!(json["mail"]["smtp"]["port"], 465);
    assert_eq!(
        json["database"]["url"],
        "postgres://me:********@db/a?sslmode=disable"
    );
    assert!(!json.to_string().contains("hunter2"));
}

/// `section.key` of each field, as `Debug` prints them.
fn fields() -> Vec<String> {
    let mut path: Vec<String> = Vec::new();
    let mut fields = Vec::new();
    for line in format!("{:#?}", Config::default()).lines() {
        let depth = (line.len() - line.trim_start().len()) / 4;
        let Some((name, value)) = line.trim().split_once(": ") else {
            continue;
        };
        path.truncate(depth.saturating_sub(1));
        path.push(name.to_owned());
        let section = value.ends_with(" {") && !value.starts_with("SecretBox");
        if !section {
            fields.push(path.join("."));
        }
    }
    fields
}

#[test]
fn the_table_has_every_field_once() {
    let mut table: Vec<_> = SETTINGS
        .iter()
        .map(|setting| setting.path.to_owned())
        .collect();
    let mut fields = fields();
    table.sort();
    fields.sort();
    assert_eq!(table, fields);
}
