//! An answer as it is described: status, headers, and a body whose schema and example both come
//! from the type that is sent.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// The media type of almost every body.
const JSON: &str = "application/json";

/// One way in which an operation answers.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What it means.
    pub meaning: &'static str,
    /// Headers that are always there, each with what it says.
    pub headers: Vec<(&'static str, &'static str)>,
    /// What is sent, if anything.
    pub body: Option<Described>,
}

/// A body as it is described.
#[derive(Clone)]
pub struct Described {
    /// Its media type.
    pub media_type: &'static str,
    /// The name of its schema.
    pub name: String,
    /// Its schema.
    pub schema: RefOr<Schema>,
    /// The schemas inside of that, by name.
    pub inside: Vec<(String, RefOr<Schema>)>,
    /// One such body.
    pub example: Value,
}

impl Answer {
    /// A body of type `T`, such as `sample`.
    pub fn json<T: Serialize + ToSchema>(status: u16, meaning: &'static str, sample: &T) -> Self {
        let mut inside = Vec::new();
        T::schemas(&mut inside);
        let body = Described {
            media_type: JSON,
            name: T::name().into_owned(),
            schema: T::schema(),
            inside,
            // A sample that JSON cannot express would be a null among the examples, which a test
            // looks for.
            example: serde_json::to_value(sample).unwrap_or_default(),
        };
        Self {
            body: Some(body),
            ..Self::empty(status, meaning)
        }
    }

    /// A JSON body such as `sample`, whose members depend on the settings: `schema` describes it
    /// under `name`.
    pub fn shaped<T: Serialize>(
        status: u16,
        meaning: &'static str,
        (name, schema): (&str, impl Into<RefOr<Schema>>),
        sample: &T,
    ) -> Self {
        let body = Described {
            media_type: JSON,
            name: name.to_owned(),
            schema: schema.into(),
            inside: Vec::new(),
            example: serde_json::to_value(sample).unwrap_or_default(),
        };
        Self {
            body: Some(body),
            ..Self::empty(status, meaning)
        }
    }

    /// With the schemas that its own refers to.
    #[must_use]
    pub fn with<T: ToSchema>(mut self) -> Self {
        if let Some(body) = &mut self.body {
            T::schemas(&mut body.inside);
            body.inside.push((T::name().into_owned(), T::schema()));
        }
        self
    }

    /// No body.
    pub fn empty(status: u16, meaning: &'static str) -> Self {
        Self {
            status,
            meaning,
            headers: Vec::new(),
            body: None,
        }
    }

    /// `200 {"detail": "…"}`.
    pub fn detail(meaning: &'static str, text: &'static str) -> Self {
        Self::json(200, meaning, &super::Detail { detail: text })
    }

    /// Comes with this header.
    #[must_use]
    pub fn header(mut self, name: &'static str, about: &'static str) -> Self {
        self.headers.push((name, about));
        self
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.body.as_ref().map(|body| &body.name);
        write!(f, "{} {name:?}", self.status)
    }
}
