//! `GET /openapi.json`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::ToSchema;

use super::Document;
use crate::web::route::{self, Routes};
use crate::web::{Answer, Area, Edge, Operation};

/// How long a reader may keep what is here without asking again, in seconds.
const MAX_AGE: u32 = 300;

/// Where the document is.
const DOCUMENT: &str = "/openapi.json";

/// Mounts them.
pub fn mount(routes: &mut Routes, edge: &Edge) {
    let document_at = route::at(DOCUMENT).cross_origin(edge);
    routes.service(document_at.get(document, about_document()));
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
    Operation::new(Area::Discovery, "getOpenApi", "This document")
        .answers(cached(Answer::json(200, "The document", &example)))
        .answers(cached(Answer::empty(
            304,
            "The caller has it already, says `If-None-Match`",
        )))
}

async fn document(request: HttpRequest, document: web::Data<Document>) -> HttpResponse {
    cached(&request, &document.etag, "application/json", || {
        document.body.clone()
    })
}

/// The bytes, or 304 to who has them already.
fn cached(
    request: &HttpRequest,
    etag: &str,
    media_type: &str,
    body: impl FnOnce() -> bytes::Bytes,
) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH);
    let known = known.is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, format!("public, max-age={MAX_AGE}")));
    if known {
        return response.finish();
    }
    response.content_type(media_type).body(body())
}
