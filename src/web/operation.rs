//! What a route does, told to whoever calls it: of this the API's document is made. It is given
//! where the route is mounted, so that there is no route without one.

use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, SchemaType};
use utoipa::openapi::{KnownFormat, Type};

use super::fields::{Field, Format};
use super::{Answer, BODY_LIMIT};
use crate::error::Kind;

/// Which part of the service a route belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// Logging in and out, and what else is about one's sessions.
    Session,
    /// Registration, addresses, passwords, profile.
    Account,
    /// Refreshing and verifying tokens.
    Token,
    /// Logging in through others.
    Federation,
    /// The routes that simplejwt itself has.
    Simplejwt,
    /// What verifiers need.
    Discovery,
    /// For whoever runs the service.
    Health,
}

impl Area {
    /// All of them, in the order in which a reader meets them.
    pub const ALL: [Self; 7] = [
        Self::Session,
        Self::Account,
        Self::Token,
        Self::Federation,
        Self::Simplejwt,
        Self::Discovery,
        Self::Health,
    ];

    /// Its name, and what is in it.
    pub fn tag(self) -> (&'static str, &'static str) {
        match self {
            Self::Session => ("session", "Log in, log out, and look after one's sessions"),
            Self::Account => ("account", "Register, confirm, profile and passwords"),
            Self::Token => ("token", "Refresh and verify tokens"),
            Self::Federation => ("federation", "Log in through others"),
            Self::Simplejwt => ("simplejwt", "The routes that simplejwt itself has"),
            Self::Discovery => ("discovery", "Public keys and metadata, for verifiers"),
            Self::Health => ("health", "For whoever runs the service"),
        }
    }
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Everybody.
    Anyone,
    /// Everybody; somebody with an access token gets more.
    AnyoneOrPerson,
    /// Somebody with an access token.
    Person,
    /// Everybody; where there are cookies, that of the refresh token is heeded.
    Refresher,
}

/// A variable part of a path, or of what is behind it.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// As it stands between the braces, or behind the question mark.
    pub name: &'static str,
    /// It is in the query, and may be left out.
    pub is_query: bool,
    /// What it is.
    pub about: &'static str,
    /// What it could be.
    pub example: &'static str,
}

/// One method of one path.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Unique, and a name for a function.
    pub id: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What else callers should know; may be empty.
    pub notes: &'static str,
    /// Where it belongs.
    pub area: Area,
    /// Who may call it.
    pub caller: Caller,
    /// The variable parts of its path.
    pub parameters: Vec<Parameter>,
    /// Whether it reads a body at all.
    pub reads_body: bool,
    /// The fields of that.
    pub fields: Vec<Field>,
    /// How it succeeds.
    pub answers: Vec<Answer>,
    /// Whether it is limited how often it can be tried.
    pub is_limited: bool,
    /// How it may refuse, beside what follows from all the other things said here.
    pub refusals: Vec<Kind>,
}

impl Operation {
    /// An operation that everybody may call.
    pub fn new(area: Area, id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            summary,
            notes: "",
            area,
            caller: Caller::Anyone,
            parameters: Vec::new(),
            reads_body: false,
            fields: Vec::new(),
            answers: Vec::new(),
            is_limited: false,
            refusals: Vec::new(),
        }
    }

    /// Says more.
    #[must_use]
    pub fn notes(self, notes: &'static str) -> Self {
        Self { notes, ..self }
    }

    /// Only for somebody with an access token.
    #[must_use]
    pub fn for_persons(self) -> Self {
        let caller = Caller::Person;
        Self { caller, ..self }
    }

    /// Also heeds an access token.
    #[must_use]
    pub fn heeds_persons(self) -> Self {
        let caller = Caller::AnyoneOrPerson;
        Self { caller, ..self }
    }

    /// Also heeds the cookie with the refresh token.
    #[must_use]
    pub fn heeds_refresher(self) -> Self {
        let caller = Caller::Refresher;
        Self { caller, ..self }
    }

    /// Has a variable part in its path.
    #[must_use]
    pub fn parameter(
        mut self,
        name: &'static str,
        about: &'static str,
        example: &'static str,
    ) -> Self {
        self.parameters.push(Parameter {
            name,
            is_query: false,
            about,
            example,
        });
        self
    }

    /// Heeds a parameter of the query, if there is one.
    #[must_use]
    pub fn query(mut self, name: &'static str, about: &'static str, example: &'static str) -> Self {
        self.parameters.push(Parameter {
            name,
            is_query: true,
            about,
            example,
        });
        self
    }

    /// Reads a body with these fields.
    #[must_use]
    pub fn reads(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.reads_body = true;
        self.fields.extend(fields);
        self
    }

    /// Can answer like this.
    #[must_use]
    pub fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// Limited, where `[limits]` are on: passwords could be guessed with it, or mailboxes flooded.
    #[must_use]
    pub fn limited(self) -> Self {
        Self {
            is_limited: true,
            ..self
        }
    }

    /// Can refuse like this.
    #[must_use]
    pub fn refuses(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.refusals.extend(kinds);
        self
    }

    /// Every kind of refusal that can come, whoever utters it.
    pub fn all_refusals(&self) -> Vec<Kind> {
        // Of any request: a malformed or slow one, and a defect of ours.
        let mut kinds = vec![
            Kind::Invalid,
            Kind::RequestTimeout,
            Kind::HeadersTooLarge,
            Kind::Internal,
        ];
        if self.reads_body {
            kinds.extend([Kind::TooLarge, Kind::UnsupportedMediaType]);
        }
        if self.parameters.iter().any(|parameter| !parameter.is_query) {
            kinds.push(Kind::NotFound);
        }
        if self.caller == Caller::Person {
            kinds.push(Kind::Unauthenticated);
        }
        if self.reads_body || self.caller != Caller::Anyone {
            kinds.push(Kind::Unavailable);
        }
        for kind in &self.refusals {
            if !kinds.contains(kind) {
                kinds.push(*kind);
            }
        }
        kinds
    }

    /// The schema of its body.
    pub fn body(&self) -> ObjectBuilder {
        let object = ObjectBuilder::new().schema_type(Type::Object);
        self.fields.iter().fold(object, |object, field| {
            let object = object.property(field.name, field.schema());
            if field.is_required {
                object.required(field.name)
            } else {
                object
            }
        })
    }

    /// A body that could be sent: what must be there, and what has an example.
    pub fn example(&self) -> serde_json::Map<String, serde_json::Value> {
        let fields = self.fields.iter();
        fields
            .filter(|field| field.is_required || !field.example.is_empty())
            .map(|field| (field.name.to_owned(), field.example.into()))
            .collect()
    }

    /// Whether a request without a body is never a good one.
    pub fn needs_body(&self) -> bool {
        self.fields.iter().any(|field| field.is_required)
    }
}

impl Field {
    fn schema(&self) -> ObjectBuilder {
        let format = match self.format {
            Format::Text => None,
            // Blank is no address.
            Format::Email if self.may_be_blank => None,
            Format::Email => Some(KnownFormat::Email),
            Format::Password => Some(KnownFormat::Password),
        };
        let text = |text: &'static str| (!text.is_empty()).then_some(text);
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .format(format.map(SchemaFormat::KnownFormat))
            .min_length((!self.may_be_blank).then_some(1))
            .max_length((self.max < BODY_LIMIT).then_some(self.max))
            // White space alone is blank, once it is trimmed.
            .pattern((!self.may_be_blank && self.is_trimmed).then_some(r"\S"))
            .description(text(self.about))
            .examples(text(self.example))
    }
}
