//! What the clients know: what was acknowledged, and what was under way at the kill.

/// One account and its one session, as their only client saw them.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) name: String,
    /// Registered with [`Account::address`].
    pub(super) has_address: bool,
    /// In the order in which they were received; the last one is the newest.
    pub(super) refresh_tokens: Vec<String>,
    /// The key whose confirmation was acknowledged.
    pub(super) confirmed: bool,
    /// A reset that was asked for and mailed.
    pub(super) reset: Option<Reset>,
    /// A refresh was sent and not answered.
    pub(super) is_refreshing: bool,
}

/// A password reset, from its mail on.
#[derive(Clone, Debug)]
pub(super) struct Reset {
    pub(super) uid: String,
    pub(super) token: String,
    pub(super) new_password: String,
    /// Its answer was read; else it was sent and may have happened.
    pub(super) is_acknowledged: bool,
}

impl Account {
    pub(super) fn address(&self) -> String {
        format!("{}@example.com", self.name)
    }
}

/// All accounts whose registration was acknowledged.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(pub(super) Vec<Account>);

impl Ledger {
    /// How many writes were acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        let count = |account: &Account| {
            let reset = account
                .reset
                .as_ref()
                .is_some_and(|reset| reset.is_acknowledged);
            account.refresh_tokens.len() + usize::from(account.confirmed) + usize::from(reset)
        };
        self.0.iter().map(count).sum()
    }

    /// The newest refresh token of each account, for a look at them later.
    pub(super) fn newest_tokens(&self) -> Vec<String> {
        self.0
            .iter()
            .filter_map(|account| account.refresh_tokens.last().cloned())
            .collect()
    }
}
