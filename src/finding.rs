//! What a look at the installation found: for people who run it.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works; something should be done.
    Warning,
    /// Something does not work.
    Bad,
}

impl Verdict {
    /// For people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, in a word or two.
    pub about: &'static str,
    /// How bad it is.
    pub verdict: Verdict,
    /// What was found; never a secret.
    pub found: String,
    /// What to do about it; empty if there is nothing to do.
    pub remedy: String,
}

impl Finding {
    /// As it should be.
    pub fn good(about: &'static str, found: impl Into<String>) -> Self {
        Self {
            about,
            verdict: Verdict::Good,
            found: found.into(),
            remedy: String::new(),
        }
    }

    /// It works; `remedy` should be done.
    pub fn warning(
        about: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            verdict: Verdict::Warning,
            remedy: remedy.into(),
            ..Self::good(about, found)
        }
    }

    /// It does not work until `remedy` is done.
    pub fn bad(about: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Bad,
            ..Self::warning(about, found, remedy)
        }
    }
}
