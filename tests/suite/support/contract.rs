//! The API's own document, to which every answer is held that a test gets from a [`super::Server`].

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Answer;

/// What `/openapi.json` says.
pub(crate) struct Contract(pub(crate) Value);

impl Contract {
    /// The document of `config`.
    pub(crate) fn of(config: &signet::config::Config) -> Self {
        let document = signet::server::docs(config).expect("a document").document;
        Self(serde_json::from_slice(&document.body).expect("JSON"))
    }

    /// Every operation: its path, its method in capitals, and what is said of it.
    pub(crate) fn operations(&self) -> Vec<(String, String, &Value)> {
        let paths = self.0["paths"].as_object().expect("paths");
        let operations = paths.iter().flat_map(|(path, item)| {
            let item = item.as_object().expect("a path item").iter();
            item.map(|(method, operation)| (path.clone(), method.to_ascii_uppercase(), operation))
        });
        operations.collect()
    }

    /// What is wrong with an answer, if anything. Of what is not described nothing is known.
    pub(crate) fn check(&self, method: &str, path: &str, answer: &Answer) -> Result<(), String> {
        let is_head = method == "HEAD";
        let method = if is_head { "GET" } else { method };
        let mut operations = self.operations().into_iter();
        let found = operations.find(|(known, verb, _)| verb == method && is_at(known, path));
        let Some((.., operation)) = found else {
            return Ok(());
        };
        // Headers that came too slowly are no request yet: see how 408 is described.
        if answer.status == 408 && answer.text.is_empty() {
            return Ok(());
        }
        let status = answer.status.to_string();
        let response = operation["responses"].get(&status);
        let response = self.resolved(response.ok_or("this status is not described")?);
        check_headers(response, answer)?;
        let Some(content) = response["content"].as_object() else {
            let is_empty = answer.text.is_empty();
            return is_empty
                .then_some(())
                .ok_or("a body is not described".into());
        };
        let media_type = answer.header("content-type");
        let content = content.get(media_type);
        let content = content.ok_or_else(|| format!("{media_type} is not described"))?;
        if is_head {
            return Ok(());
        }
        self.conforms(&content["schema"], &answer.json, "body")
    }

    /// What a reference refers to; anything else is itself.
    pub(crate) fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
            return value;
        };
        let found = reference
            .strip_prefix('#')
            .and_then(|at| self.0.pointer(at));
        found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// Holds `value` to be as `schema` says, and to have no member of which it says nothing.
    pub(crate) fn conforms(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let schema = self.resolved(schema);
        let mut members = Map::new();
        let mut required = BTreeSet::new();
        self.gather(schema, value, &mut members, &mut required);
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let is_of_kind = |expected: &Value| match expected {
            Value::Array(kinds) => kinds.iter().any(|expected| expected == kind),
            expected => expected == kind,
        };
        if !schema.get("type").is_none_or(is_of_kind) {
            return Err(format!("{at} is no {}", schema["type"]));
        }
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            self.conforms(&schema["items"], item, &format!("{at}[{index}]"))?;
        }
        let Some(object) = value.as_object() else {
            return Ok(());
        };
        let missing = required.iter().find(|name| !object.contains_key(**name));
        if let Some(name) = missing {
            return Err(format!("{at} lacks {name}"));
        }
        // An object of which nothing is said may have anything in it.
        if members.is_empty() && schema.get("additionalProperties").is_none() && at != "body" {
            return Ok(());
        }
        for (name, value) in object {
            let at = format!("{at}.{name}");
            let schema = members.get(name).or(schema.get("additionalProperties"));
            let schema = schema.ok_or_else(|| format!("{at} is not described"))?;
            self.conforms(schema, value, &at)?;
        }
        Ok(())
    }

    /// The members of a schema and of those that it is composed of. Of several alternatives, those
    /// count whose members are all there.
    fn gather<'a>(
        &'a self,
        schema: &'a Value,
        value: &Value,
        members: &mut Map<String, Value>,
        required: &mut BTreeSet<&'a str>,
    ) {
        let schema = self.resolved(schema);
        let own = schema["properties"].as_object().into_iter().flatten();
        members.extend(own.map(|(name, schema)| (name.clone(), schema.clone())));
        let names = schema["required"].as_array().into_iter().flatten();
        required.extend(names.filter_map(Value::as_str));
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.gather(part, value, members, required);
        }
        let alternatives = schema["oneOf"].as_array().into_iter().flatten();
        let is_met = |schema: &&Value| {
            let names = self.resolved(schema)["required"].as_array();
            let mut names = names.into_iter().flatten().filter_map(Value::as_str);
            names.all(|name| value.get(name).is_some())
        };
        if let Some(part) = alternatives.into_iter().find(is_met) {
            self.gather(part, value, members, required);
        }
    }
}

/// Whether `path` is of the form `known`, up to the slash at the end.
fn is_at(known: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let parts = |path: &str| -> Vec<String> {
        path.trim_end_matches('/')
            .split('/')
            .map(str::to_owned)
            .collect()
    };
    let (known, path) = (parts(known), parts(path));
    let same = |(known, part): (&String, &String)| {
        known == part || (known.starts_with('{') && !part.is_empty())
    };
    known.len() == path.len() && known.iter().zip(&path).all(same)
}

fn check_headers(response: &Value, answer: &Answer) -> Result<(), String> {
    let headers = response["headers"].as_object().into_iter().flatten();
    for (name, header) in headers {
        if header["required"] == true && answer.header(name).is_empty() {
            return Err(format!("there is no header {name}"));
        }
    }
    Ok(())
}
