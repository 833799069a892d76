//! The applications of a program.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use stelo_core::app::App;

type Make = Box<dyn FnOnce() -> Arc<dyn App>>;

/// The applications of a program, of which its command line names one: `shop admin --port 9000`.
///
/// The function of an application runs only in a process that serves it: not in a supervisor, and in each of its workers.
///
/// ```
/// use stelo_server::Apps;
/// # use stelo_core::app::{App, Reply, Request, Response};
/// # struct Text(&'static str);
/// # impl App for Text {
/// #     fn call(&self, _: Request) -> Reply { Response::default().into() }
/// # }
///
/// let apps = Apps::new().add("shop", || Text("the shop")).add("admin", || Text("the back office"));
/// assert_eq!(apps.names().collect::<Vec<_>>(), ["shop", "admin"]);
/// ```
#[derive(Default)]
pub struct Apps {
    apps: Vec<(Option<Cow<'static, str>>, Make)>,
}

impl Apps {
    /// Creates a program without applications.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an application, with its name on the command line and the function that makes it.
    ///
    /// # Panics
    /// Panics if the program has an application of this name.
    #[must_use]
    pub fn add<A: App>(
        mut self,
        name: impl Into<Cow<'static, str>>,
        make: impl FnOnce() -> A + 'static,
    ) -> Self {
        let name = name.into();
        assert!(self.names().all(|known| known != name), "there are two applications with the name {name}");
        self.apps.push((Some(name), Box::new(move || Arc::new(make()))));
        self
    }

    /// Returns the names, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.apps.iter().filter_map(|(name, _)| name.as_deref())
    }

    /// Makes the application of this name, or the only one. `None` if there is none.
    pub(crate) fn make(self, name: Option<&str>) -> Option<Arc<dyn App>> {
        let is_it = |known: Option<&str>| name.is_none() || known == name;
        let (_, make) = self.apps.into_iter().find(|(known, _)| is_it(known.as_deref()))?;
        Some(make())
    }
}

/// An application, or several of them with their names: what a program serves.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an application",
    label = "not an application",
    note = "put a `Router` into one: `App::new().merge(router)`, or `App::new().mount(\"\", router)` if it has a fallback",
    note = "put a handler into a route: `App::new().route(\"/\", get(handler))`"
)]
pub trait IntoApps {
    /// Returns the applications; a single one has no name.
    fn into_apps(self) -> Apps;
}

impl IntoApps for Apps {
    fn into_apps(self) -> Apps {
        self
    }
}

impl<A: App> IntoApps for A {
    fn into_apps(self) -> Apps {
        Apps { apps: vec![(None, Box::new(move || Arc::new(self)))] }
    }
}

impl fmt::Debug for Apps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
