//! The document: put together of what the routes say of themselves.

use std::collections::BTreeMap;

use actix_web::http::Method;
use serde_json::Value;
use utoipa::openapi::path::{
    HttpMethod, Operation as PathOperation, OperationBuilder, Parameter, ParameterBuilder,
    ParameterIn, PathItem, PathsBuilder,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, Info, License, ObjectBuilder, OpenApi, OpenApiBuilder, Ref,
    RefOr, Required, Schema, ServerBuilder, Type,
};

use super::{responses, security};
use crate::config::Config;
use crate::web::route::{Description, Route};
use crate::web::{Area, Operation};

/// The media types of a body that is read.
const MEDIA_TYPES: [&str; 3] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
];

/// The document of `routes` under `config`.
pub(super) fn describe(config: &Config, routes: &[Route]) -> OpenApi {
    let mut schemas = BTreeMap::new();
    let mut paths = PathsBuilder::new();
    for route in routes {
        let (Description::Public(operation), Some(method)) =
            (&route.description, method(&route.method))
        else {
            continue;
        };
        let is_guarded = route.is_protected && !route.method.is_safe();
        let described = operation_of(operation, is_guarded, config, &mut schemas);
        paths = paths.path(&route.path, PathItem::new(method, described));
    }
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .schema(responses::PROBLEM, responses::problem())
        .responses_from_iter(responses::all());
    let components = security::schemes(config)
        .into_iter()
        .fold(components, |all, (name, scheme)| {
            all.security_scheme(name, scheme)
        });
    OpenApiBuilder::new()
        .info(info(config))
        .servers(Some([ServerBuilder::new()
            .url(&config.server.public_url)
            .build()]))
        .tags(Some(areas(routes).map(|area| {
            let (name, about) = area.tag();
            TagBuilder::new()
                .name(name)
                .description(Some(about))
                .build()
        })))
        .paths(paths)
        .components(Some(components.build()))
        .build()
}

/// Those of which there is something.
fn areas(routes: &[Route]) -> impl Iterator<Item = Area> {
    let is_used = |area| {
        routes.iter().any(|route| match &route.description {
            Description::Public(operation) => operation.area == area,
            Description::Hidden(_) => false,
        })
    };
    Area::ALL.into_iter().filter(move |area| is_used(*area))
}

fn info(config: &Config) -> Info {
    let mut info = Info::new(config.mail.service_name.as_str(), env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Registers people, logs them in, and hands out signed, expiring JWTs that any backend \
         verifies through the published JWKS.\n\nErrors are problem documents (RFC 9457); a field \
         that was refused is a member with its messages. A path is good with and without the slash \
         at its end."
            .into(),
    );
    let mut license = License::new("MIT OR Apache-2.0");
    license.identifier = Some("MIT OR Apache-2.0".into());
    info.license = Some(license);
    info
}

fn method(method: &Method) -> Option<HttpMethod> {
    Some(match method.as_str() {
        "GET" => HttpMethod::Get,
        "PUT" => HttpMethod::Put,
        "POST" => HttpMethod::Post,
        "DELETE" => HttpMethod::Delete,
        "PATCH" => HttpMethod::Patch,
        _ => return None,
    })
}

fn operation_of(
    operation: &Operation,
    is_guarded: bool,
    config: &Config,
    schemas: &mut BTreeMap<String, RefOr<Schema>>,
) -> PathOperation {
    let mut refusals = operation.all_refusals();
    refusals.extend(security::refusals(operation, is_guarded, config));
    let mut described = OperationBuilder::new()
        .tag(operation.area.tag().0)
        .operation_id(Some(operation.id))
        .summary(Some(operation.summary))
        .description((!operation.notes.is_empty()).then_some(operation.notes))
        .securities(Some(security::alternatives(operation.caller, config)))
        .responses(responses::of(operation, &refusals, schemas));
    for parameter in &operation.parameters {
        described = described.parameter(parameter_of(parameter));
    }
    if is_guarded {
        let csrf = security::parameter(config).into_iter();
        described = csrf.fold(described, OperationBuilder::parameter);
    }
    if !operation.fields.is_empty() {
        let name = format!("{}Request", capitalised(operation.id));
        described = described.request_body(Some(request_body(operation, &name)));
        schemas.insert(name, operation.body().into());
    }
    described.build()
}

fn request_body(operation: &Operation, name: &str) -> RequestBody {
    let required = if operation.needs_body() {
        Required::True
    } else {
        Required::False
    };
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(name)))
        .example(Some(Value::Object(operation.example())))
        .build();
    MEDIA_TYPES
        .into_iter()
        .fold(RequestBodyBuilder::new(), |body, media_type| {
            body.content(media_type, content.clone())
        })
        .required(Some(required))
        .build()
}

fn parameter_of(parameter: &crate::web::Parameter) -> Parameter {
    let (place, required) = if parameter.is_query {
        (ParameterIn::Query, Required::False)
    } else {
        (ParameterIn::Path, Required::True)
    };
    ParameterBuilder::new()
        .name(parameter.name)
        .parameter_in(place)
        .required(required)
        .description(Some(parameter.about))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .example(Some(parameter.example.into()))
        .build()
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
