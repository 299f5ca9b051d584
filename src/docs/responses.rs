//! The answers of an operation: its own, and the refusals, which all operations share.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};
use utoipa::openapi::header::Header;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, SchemaType};
use utoipa::openapi::{
    ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Responses, ResponsesBuilder, Schema,
    Type,
};

use crate::error::{Error, Kind};
use crate::limits;
use crate::web::{self, Answer, Operation};

/// The name of the schema that all errors have.
pub(super) const PROBLEM: &str = "Problem";

const MEDIA_TYPE: &str = "application/problem+json";

/// Every kind of refusal, and its name among the responses.
const KINDS: [(Kind, &str); 12] = [
    (Kind::Invalid, "Invalid"),
    (Kind::Unauthenticated, "Unauthenticated"),
    (Kind::Forbidden, "Forbidden"),
    (Kind::NotFound, "NotFound"),
    (Kind::MethodNotAllowed, "MethodNotAllowed"),
    (Kind::RequestTimeout, "RequestTimeout"),
    (Kind::TooLarge, "BodyTooLarge"),
    (Kind::UnsupportedMediaType, "UnsupportedMediaType"),
    (Kind::HeadersTooLarge, "HeadersTooLarge"),
    (Kind::TooManyRequests, "TooManyRequests"),
    (Kind::Unavailable, "Unavailable"),
    (Kind::Internal, "Internal"),
];

/// The shared ones, by name.
pub(super) fn all() -> impl Iterator<Item = (&'static str, Response)> {
    KINDS.into_iter().map(|(kind, name)| (name, refusal(kind)))
}

/// All answers of an operation. What they are made of goes into `schemas`.
pub(super) fn of(
    operation: &Operation,
    refusals: &[Kind],
    schemas: &mut BTreeMap<String, RefOr<Schema>>,
) -> Responses {
    let mut responses = ResponsesBuilder::new();
    for (kind, name) in KINDS {
        if refusals.contains(&kind) {
            let status = web::status(kind).as_str().to_owned();
            responses = responses.response(status, Ref::from_response_name(name));
        }
    }
    // One that is its own stands in the place of a shared one.
    for answer in &operation.answers {
        responses = responses.response(answer.status.to_string(), response(answer, schemas));
    }
    responses.build()
}

fn response(answer: &Answer, schemas: &mut BTreeMap<String, RefOr<Schema>>) -> Response {
    let mut response = ResponseBuilder::new().description(answer.meaning);
    for (name, about) in &answer.headers {
        response = response.header(*name, header(about, Type::String));
    }
    if let Some(body) = &answer.body {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(&body.name)))
            .example(Some(body.example.clone()));
        response = response.content(body.media_type, content.build());
        schemas.insert(body.name.clone(), body.schema.clone());
        schemas.extend(body.inside.iter().cloned());
    }
    response.build()
}

fn refusal(kind: Kind) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(PROBLEM)))
        .example(Some(Value::Object(web::document(&sample(kind)))));
    let mut response = ResponseBuilder::new()
        .description(match kind {
            // It is answered by whoever reads the connection, before there is a request.
            Kind::RequestTimeout => "The request came too slowly (its headers: without a body)",
            _ => web::title(kind),
        })
        .content(MEDIA_TYPE, content.build());
    if kind == Kind::Unauthenticated {
        let about = "How to say who is asking (RFC 6750)";
        response = response.header("WWW-Authenticate", header(about, Type::String));
    }
    if matches!(kind, Kind::TooManyRequests | Kind::Unavailable) {
        let about = "Seconds after which another try makes sense";
        response = response.header("Retry-After", header(about, Type::Integer));
    }
    response.build()
}

/// An error of that kind as it could really be.
fn sample(kind: Kind) -> Error {
    let detail = |code, text: &'static str| Error::new(kind, code, text);
    match kind {
        Kind::Invalid => Error::field("username", "This field is required."),
        Kind::Unauthenticated => detail(
            "not_authenticated",
            "Authentication credentials were not provided.",
        ),
        Kind::NotFound => detail("not_found", "Not found."),
        Kind::MethodNotAllowed => detail("method_not_allowed", "Method \"GET\" not allowed."),
        Kind::Internal => detail("internal_error", "An error has occurred."),
        Kind::Unavailable => Error::unavailable(1, "busy"),
        Kind::Forbidden => detail(
            "csrf_failed",
            "CSRF Failed: Referer checking failed - no Referer.",
        ),
        Kind::RequestTimeout => detail("request_timeout", web::title(kind)),
        Kind::TooLarge => detail("body_too_large", web::title(kind)),
        Kind::UnsupportedMediaType => detail("unsupported_media_type", web::title(kind)),
        Kind::HeadersTooLarge => detail("headers_too_large", web::title(kind)),
        Kind::TooManyRequests => limits::throttled(TimeDelta::seconds(30)),
    }
}

/// A header that is always there. (The builder has no name for that.)
fn header(about: &str, kind: Type) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(kind));
    header.description = Some(about.to_owned());
    header.extensions = Some([("required", true)].into_iter().collect());
    header
}

/// What all errors look like.
pub(super) fn problem() -> Schema {
    let text = |about: &str| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(about))
    };
    let messages = |about: &str| {
        ArrayBuilder::new()
            .items(ObjectBuilder::new().schema_type(Type::String))
            .description(Some(about))
    };
    // One route has a field of that name, and so messages under it.
    let code = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Array]))
        .description(Some("The stable code, in some errors"));
    let status = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some("The HTTP status"));
    let causes = ArrayBuilder::new()
        .items(ObjectBuilder::new().schema_type(Type::Object))
        .description(Some("Why a token was refused"));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("What went wrong (RFC 9457)"))
        .property(
            "type",
            text("A URI that ends in the error's stable code")
                .examples([json!("urn:signet:error:not_found")]),
        )
        .property("title", text("The kind of error; always the same for one"))
        .property("status", status)
        .property("detail", text("For people to read"))
        .property("code", code)
        .property("messages", causes)
        .property(
            "non_field_errors",
            messages("What is wrong with the request as a whole"),
        )
        .required("type")
        .required("title")
        .required("status")
        .additional_properties(Some(AdditionalProperties::from(RefOr::T(Schema::from(
            messages("What is wrong with the field of that name").build(),
        )))))
        .build()
        .into()
}
