//! `Templates`: the templates of an application, rendered for a request.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::{Environment, Value};
use stelo_toolkit::middleware::CspNonce;
use stelo_toolkit::request::Parts;
use stelo_toolkit::{Html, HttpError, IntoResponse, Response};

use crate::TemplateError;
use crate::links::{StaticFiles, StaticUrl, UrlFor};
use crate::sources;

/// The number of renderings that are recorded.
const RECORDED: usize = 100;

/// The templates of an application. Clones share them, so it is a state: `App::state(templates)`.
///
/// Templates whose names end with `.html`, `.htm` or `.xml` are escaped. A template is read when it is first used. In a
/// debug build it is read again when its file changes, which is looked at every 200 ms at most.
#[derive(Clone)]
pub struct Templates(Arc<Inner>);

struct Inner {
    environment: Environment<'static>,
    files: Arc<StaticFiles>,
    processors: Vec<Processor>,
    recorded: Option<Mutex<VecDeque<Rendered>>>,
}

type Processor = Box<dyn Fn(&Parts) -> Value + Send + Sync>;

/// A rendering that was recorded.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The name of the template.
    pub template: String,
    /// The values that the template got.
    pub context: Value,
}

impl Templates {
    /// Takes the templates of a directory.
    ///
    /// # Errors
    /// There is no such directory.
    pub fn new(directory: impl Into<PathBuf>) -> Result<Self, TemplateError> {
        Self::from_directories([directory.into()])
    }

    /// Takes the templates of several directories. The first that has a template counts.
    ///
    /// # Errors
    /// A directory does not exist.
    pub fn from_directories(
        directories: impl IntoIterator<Item = impl Into<PathBuf>>,
    ) -> Result<Self, TemplateError> {
        let directories: Vec<PathBuf> = directories.into_iter().map(Into::into).collect();
        if let Some(missing) = directories.iter().find(|directory| !directory.is_dir()) {
            return Err(TemplateError::NoDirectory(missing.clone()));
        }
        let mut environment = Environment::new();
        environment.set_auto_reload(cfg!(debug_assertions));
        environment.set_debug(cfg!(debug_assertions));
        environment.set_loader(move |name| sources::load(&directories, name));
        Ok(Self::from_environment(environment))
    }

    /// Takes templates from the program: names and texts.
    ///
    /// # Errors
    /// A template is invalid.
    pub fn from_sources<N: Into<String>, T: Into<String>>(
        templates: impl IntoIterator<Item = (N, T)>,
    ) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        for (name, text) in templates {
            environment.add_template_owned(name.into(), text.into())?;
        }
        Ok(Self::from_environment(environment))
    }

    /// Takes an environment of `minijinja`, with filters and settings of your own.
    pub fn from_environment(environment: Environment<'static>) -> Self {
        let files = Arc::new(StaticFiles::default());
        Self(Arc::new(Inner { environment, files, processors: Vec::new(), recorded: None }))
    }

    /// Changes the settings.
    ///
    /// # Panics
    /// If there are clones.
    #[track_caller]
    fn edited(mut self, edit: impl FnOnce(&mut Inner)) -> Self {
        let inner = Arc::get_mut(&mut self.0);
        edit(inner.expect("templates are changed before they are cloned"));
        self
    }

    /// Changes the environment of `minijinja`: adds filters, functions, global values.
    ///
    /// # Panics
    /// As do all methods that change templates: if there are clones.
    #[must_use]
    #[track_caller]
    pub fn configure(self, edit: impl FnOnce(&mut Environment<'static>)) -> Self {
        self.edited(|inner| edit(&mut inner.environment))
    }

    /// Adds a context processor: values that every template gets, made of the request. They replace values of the same
    /// names that the handler gives, and those of earlier processors.
    #[must_use]
    #[track_caller]
    pub fn context_processor(self, processor: impl Fn(&Parts) -> Value + Send + Sync + 'static) -> Self {
        self.edited(|inner| inner.processors.push(Box::new(processor)))
    }

    /// Sets the directory of `static_url`, and the name of the mount that serves it.
    #[must_use]
    #[track_caller]
    pub fn static_files(self, route: impl Into<String>, directory: impl Into<PathBuf>) -> Self {
        let files = StaticFiles {
            route: route.into(),
            directory: Some(directory.into()),
            is_watched: cfg!(debug_assertions),
            ..StaticFiles::default()
        };
        self.edited(|inner| inner.files = Arc::new(files))
    }

    /// Records the last 100 renderings, for tests: see [`recorded`](Self::recorded).
    #[must_use]
    #[track_caller]
    pub fn record(self) -> Self {
        self.edited(|inner| inner.recorded = Some(Mutex::default()))
    }

    /// Removes and returns the recorded renderings, the oldest first.
    pub fn recorded(&self) -> Vec<Rendered> {
        let recorded = self.0.recorded.as_ref();
        recorded
            .map_or_else(Vec::new, |it| it.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect())
    }

    /// Renders a template as a page.
    ///
    /// # Errors
    /// 500 if the template is missing, invalid or fails. The log has the template, the line and the fault.
    pub fn response(&self, request: &Parts, name: &str, context: Value) -> Result<Response, HttpError> {
        Ok(Html(self.render(request, name, context)?).into_response())
    }

    /// Renders a block of a template, for a client that replaces a part of a page.
    ///
    /// # Errors
    /// As [`response`](Self::response); also if there is no such block.
    pub fn block(
        &self,
        request: &Parts,
        name: &str,
        block: &str,
        context: Value,
    ) -> Result<Response, HttpError> {
        let context = self.context(request, name, context);
        let template = self.0.environment.get_template(name).map_err(TemplateError::from)?;
        let mut captured = template.render_captured(context).map_err(TemplateError::from)?;
        let text = captured.with_state_mut(|state| state.render_block(block)).map_err(TemplateError::from)?;
        Ok(Html(text).into_response())
    }

    /// Renders a template as text.
    ///
    /// # Errors
    /// The template is missing, invalid or fails.
    pub fn render(&self, request: &Parts, name: &str, context: Value) -> Result<String, TemplateError> {
        let context = self.context(request, name, context);
        Ok(self.0.environment.get_template(name)?.render(context)?)
    }

    /// Adds the values of this crate and of the context processors to those of the handler.
    fn context(&self, request: &Parts, name: &str, context: Value) -> Value {
        let links = request.links();
        let nonce = request.extensions().get::<CspNonce>().map(ToString::to_string).unwrap_or_default();
        let query = request.query_params();
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let query: BTreeMap<String, String> = query.iter().map(owned).collect();
        let files = self.0.files.clone();
        let mut layers = vec![minijinja::context! {
            url_for => Value::from_object(UrlFor(links.clone())),
            static_url => Value::from_object(StaticUrl { links, files }),
            csp_nonce => nonce,
            request => minijinja::context! {
                method => request.method().to_string(),
                path => request.path(),
                url => request.url().to_string(),
                query => query,
            },
        }];
        layers.push(context);
        layers.extend(self.0.processors.iter().map(|processor| processor(request)));
        // The last map that has a name counts.
        let merged = minijinja::value::merge_maps(layers);
        if let Some(recorded) = &self.0.recorded {
            let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
            while recorded.len() >= RECORDED {
                recorded.pop_front();
            }
            recorded.push_back(Rendered { template: name.to_owned(), context: merged.clone() });
        }
        merged
    }
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Templates")
    }
}
