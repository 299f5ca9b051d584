//! The body of a request as named values, whether it came as JSON, a form, or multipart.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use mime::Mime;
use serde_json::{Map, Value};

use super::{BODY_LIMIT, Edge, json};
use crate::error::{Error, Kind, Result};

/// Named values. Unknown names are ignored by whoever reads them.
#[derive(Debug, Default)]
pub struct Input(Map<String, Value>);

impl Input {
    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

impl FromRequest for Input {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let media_type = media_type(&request)?;
            let body = read(&request, payload).await?;
            parse(media_type.as_ref(), body).await
        })
    }
}

pub(super) fn media_type(request: &HttpRequest) -> Result<Option<Mime>> {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    text.parse().map(Some).map_err(|_| unsupported(&text))
}

/// The whole body, bounded in size and in time.
pub(super) async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Bytes> {
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY_LIMIT) {
        return Err(too_large());
    }
    let edge = request.app_data::<web::Data<Edge>>();
    let limit = edge.map_or(std::time::Duration::from_secs(5), |edge| edge.body_timeout);
    let collect = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| broken(error.to_string()))?;
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(limit, collect)
        .await
        .map_err(|_| too_slow())?
}

pub(super) async fn parse(media_type: Option<&Mime>, body: Bytes) -> Result<Input> {
    if body.is_empty() {
        return Ok(Input::default());
    }
    let Some(media_type) = media_type else {
        return Err(unsupported(""));
    };
    match (media_type.type_(), media_type.subtype()) {
        (mime::APPLICATION, mime::JSON) => from_json(&body),
        (mime::APPLICATION, mime::WWW_FORM_URLENCODED) => from_form(&body),
        (mime::MULTIPART, mime::FORM_DATA) => from_multipart(media_type, body).await,
        _ => Err(unsupported(media_type.as_ref())),
    }
}

fn from_json(body: &[u8]) -> Result<Input> {
    let found = match json::parse(body) {
        Ok(Value::Object(members)) => return Ok(Input(members)),
        Ok(other) => python_type(&other),
        Err(error) => return Err(broken(format!("JSON parse error - {error}"))),
    };
    let message = format!("Invalid data. Expected a dictionary, but got {found}.");
    Err(Error::non_field(message))
}

/// The words in which existing clients are told what they sent.
fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

fn from_form(body: &[u8]) -> Result<Input> {
    let mut members = Map::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if value.contains('\u{fffd}') || name.contains('\u{fffd}') {
            return Err(broken("The form is not valid UTF-8."));
        }
        insert(&mut members, &name, value.into_owned())?;
    }
    Ok(Input(members))
}

async fn from_multipart(media_type: &Mime, body: Bytes) -> Result<Input> {
    let broken = |_| broken("Multipart form parse error");
    let boundary = multer::parse_boundary(media_type.as_ref()).map_err(broken)?;
    let body = stream::iter([Ok::<_, std::convert::Infallible>(body)]);
    let mut form = multer::Multipart::new(body, boundary);
    let mut members = Map::new();
    while let Some(part) = form.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        let bytes = part.bytes().await.map_err(broken)?;
        let text = String::from_utf8(bytes.into());
        let text = text.map_err(|_| self::broken("The form is not valid UTF-8."))?;
        insert(&mut members, &name, text)?;
    }
    Ok(Input(members))
}

fn insert(members: &mut Map<String, Value>, name: &str, value: String) -> Result<()> {
    if members.insert(name.to_owned(), value.into()).is_some() {
        return Err(broken("A name comes twice."));
    }
    Ok(())
}

fn broken(detail: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, "parse_error", detail.into())
}

fn unsupported(media_type: &str) -> Error {
    let detail = format!("Unsupported media type \"{media_type}\" in request.");
    Error::new(Kind::UnsupportedMediaType, "unsupported_media_type", detail)
}

fn too_large() -> Error {
    Error::new(
        Kind::TooLarge,
        "body_too_large",
        "The request body is larger than 64 KiB.",
    )
}

fn too_slow() -> Error {
    Error::new(
        Kind::RequestTimeout,
        "request_timeout",
        "The request body did not come in time.",
    )
}
