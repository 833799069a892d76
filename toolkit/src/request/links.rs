//! `Links`: makes URLs of routes after the request is gone.

use std::fmt;

use stelo_core::routing::ReverseError;

use super::site::SiteRef;
use super::{Url, UrlPath};

/// Makes URLs of named routes, as the request does that it comes [from](super::Parts::links). It outlives the request: in
/// a background task, in a template.
#[derive(Clone)]
pub struct Links {
    pub(super) site: SiteRef,
    pub(super) base: Url,
}

impl Links {
    /// Returns the URL of the route of that name: see [`Parts::url_for`](super::Parts::url_for).
    ///
    /// # Errors
    /// No route has that name and exactly these parameters, or a value does not fit its convertor.
    pub fn url_for(&self, name: &str, params: &[(&str, &dyn fmt::Display)]) -> Result<Url, ReverseError> {
        let (path, protocol) = self.site.engine.url_path_for(name, params)?;
        Ok(UrlPath::new(path, protocol).make_absolute_url(&self.base))
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Links({:?})", self.base)
    }
}
