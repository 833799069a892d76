//! `Operation`: a handler as its extractors and its response describe it when the application is built.
//!
//! An [`Operation`] records the states and the path parameters that the handler needs, so that a mistake is found at
//! start-up.

use std::any::{TypeId, type_name};

/// A handler or a middleware, described by its arguments and its response.
///
/// [`FromRequestParts::describe`](crate::extract::FromRequestParts::describe),
/// [`FromRequest::describe`](crate::extract::FromRequest::describe) and
/// [`IntoResponse::describe`](crate::IntoResponse::describe) add to it.
///
/// ```
/// use stelo_toolkit::describe::Operation;
/// use stelo_toolkit::request::Parts;
/// use stelo_toolkit::extract::FromRequestParts;
/// use stelo_toolkit::{HttpError, State};
///
/// #[derive(Clone)]
/// struct Clock;
///
/// /// An extractor that needs `State<Clock>`.
/// struct Now;
///
/// impl FromRequestParts for Now {
///     type Rejection = HttpError;
///
///     async fn from_request_parts(parts: &mut Parts) -> Result<Self, HttpError> {
///         State::<Clock>::from_request_parts(parts).await.map(|_| Now)
///     }
///
///     fn describe(operation: &mut Operation) {
///         State::<Clock>::describe(operation);
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Operation {
    name: &'static str,
    states: Vec<(TypeId, &'static str)>,
    params: Vec<ParamsCheck>,
    warnings: Vec<String>,
    after_response: bool,
    /// The first mistake in the configuration.
    mistake: Option<String>,
}

/// Checks an argument against the names of the path parameters of a route. The error says what does not suit.
pub(crate) type ParamsCheck = fn(&[&str]) -> Result<(), String>;

impl Operation {
    /// An operation that the type `H` performs, with nothing described yet.
    pub(crate) fn of<H>() -> Self {
        Self {
            name: type_name::<H>(),
            states: Vec::new(),
            params: Vec::new(),
            warnings: Vec::new(),
            after_response: false,
            mistake: None,
        }
    }

    /// Returns the path of the handler's function or type, as the compiler prints it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Adds a state of this type. If the application has none, [`App::build`](crate::App::build) fails.
    pub fn state<T: 'static>(&mut self) {
        self.states.push((TypeId::of::<T>(), type_name::<T>()));
    }

    /// Adds a warning, which the application [logs](crate::App::warnings) when it is built.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// Says that the argument calls [`Parts::after_response`](crate::request::Parts::after_response), so that the route can
    /// run the work.
    pub fn after_response(&mut self) {
        self.after_response = true;
    }

    /// Whether an argument registers work for after the response.
    pub(crate) fn has_after_response(&self) -> bool {
        self.after_response
    }

    /// Adds a check of the path parameters. If it fails for a route, [`App::build`](crate::App::build) fails.
    pub(crate) fn check_params(&mut self, check: ParamsCheck) {
        self.params.push(check);
    }

    /// Describes an argument whose rejection the handler takes, so that path parameters that do not suit are no mistake.
    pub(crate) fn fallible(&mut self, describe: impl FnOnce(&mut Self)) {
        let count = self.params.len();
        describe(self);
        self.params.truncate(count);
    }

    /// Notes a mistake in the configuration. The first is reported.
    pub(crate) fn mistake(&mut self, mistake: String) {
        self.mistake.get_or_insert(mistake);
    }

    /// The first mistake in the configuration.
    pub(crate) fn first_mistake(&self) -> Option<&str> {
        self.mistake.as_deref()
    }

    /// The warnings.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Checks the names of the path parameters of a route.
    pub(crate) fn check(&self, params: &[&str]) -> Result<(), String> {
        self.params.iter().try_for_each(|check| check(params))
    }

    /// The states, with the names of their types.
    pub(crate) fn states(&self) -> impl Iterator<Item = (TypeId, &'static str)> {
        self.states.iter().copied()
    }
}
