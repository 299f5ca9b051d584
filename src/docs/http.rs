//! `GET /openapi.json`, `GET /docs`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use utoipa::ToSchema;

use super::{Docs, Kept};
use crate::web::route::{self, Routes, hidden};
use crate::web::{Answer, Area, Edge, Operation};

/// How long a reader may keep what is here without asking again, in seconds.
const MAX_AGE: u32 = 300;

/// Mounts them.
pub fn mount(routes: &mut Routes, edge: &Edge) {
    let at_document = route::at("/openapi.json").cross_origin(edge);
    routes
        .service(at_document.get(document, about_document()))
        .service(route::at("/docs").get(page, hidden("a page for people")));
}

/// What can be said of the document without repeating it.
#[derive(serde::Serialize, ToSchema)]
struct OpenApi {
    openapi: &'static str,
    info: Anything,
    servers: [Anything; 1],
    tags: [Anything; 1],
    paths: Anything,
    components: Anything,
}

/// See the OpenAPI specification.
#[derive(serde::Serialize, ToSchema)]
struct Anything {}

fn about_document() -> Operation {
    let example = OpenApi {
        openapi: "3.1.0",
        info: Anything {},
        servers: [Anything {}],
        tags: [Anything {}],
        paths: Anything {},
        components: Anything {},
    };
    let cached = |answer: Answer| {
        answer
            .header("Cache-Control", "How long it may be kept")
            .header("ETag", "For `If-None-Match`")
    };
    let kept = Answer::empty(304, "The caller has it already, says `If-None-Match`");
    Operation::new(Area::Discovery, "getOpenApi", "This document")
        .answers(cached(Answer::json(200, "The document", &example)))
        .answers(cached(kept))
}

async fn document(request: HttpRequest, docs: web::Data<Docs>) -> HttpResponse {
    match answer(&request, &docs.document) {
        (mut response, None) => response.finish(),
        (mut response, Some(body)) => response.content_type("application/json").body(body),
    }
}

async fn page(request: HttpRequest, docs: web::Data<Docs>) -> HttpResponse {
    let (mut response, body) = answer(&request, &docs.page);
    response.insert_header((header::CONTENT_SECURITY_POLICY, docs.policy.as_str()));
    match body {
        None => response.finish(),
        Some(body) => response.content_type("text/html; charset=utf-8").body(body),
    }
}

/// 200 and the bytes, or 304 to who has them already.
fn answer(request: &HttpRequest, kept: &Kept) -> (HttpResponseBuilder, Option<bytes::Bytes>) {
    let known = request.headers().get(header::IF_NONE_MATCH);
    let is_known = known.is_some_and(|tag| tag.as_bytes() == kept.etag.as_bytes());
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    let max_age = format!("public, max-age={MAX_AGE}");
    response
        .insert_header((header::ETAG, kept.etag.as_str()))
        .insert_header((header::CACHE_CONTROL, max_age));
    (response, (!is_known).then(|| kept.body.clone()))
}
