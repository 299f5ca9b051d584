//! A path means the same with and without a slash at its end. Routes are mounted without one: a path
//! of which there is one spelling is found by comparing, two would need a regular expression each.

use actix_web::dev::ServiceRequest;
use actix_web::http::uri::{PathAndQuery, Uri};

/// Has the request routed as if its path had no slash at the end. Whoever asks for the request's
/// path still sees it as it came.
pub fn trim(request: &mut ServiceRequest) {
    if let Some(bare) = bare(request.uri()) {
        request.match_info_mut().get_mut().update(&bare);
    }
}

fn bare(uri: &Uri) -> Option<Uri> {
    let path = uri
        .path()
        .strip_suffix('/')
        .filter(|path| !path.is_empty())?;
    // The query is nothing to a route.
    PathAndQuery::try_from(path).ok().map(Uri::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slash_at_the_end_is_taken_off() {
        let bare = |uri: &'static str| bare(&Uri::from_static(uri)).map(|uri| uri.to_string());
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(bare("/a/b/"), is("/a/b"));
        assert_eq!(bare("/a/b//"), is("/a/b/"));
        assert_eq!(bare("/a%2F/?b=/"), is("/a%2F"));
        assert_eq!(bare("http://host/a/"), is("/a"));
        for other in ["/", "/a", "/a?b=/", "/a%2F", "*", "host:80"] {
            assert_eq!(bare(other), None, "{other}");
        }
    }
}
