//! `Slot`: the session of a request on its way through the middleware. It is loaded when a handler first asks for it, and
//! saved when the response is on its way out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stelo_core::app::Response;
use stelo_core::http::{Headers, Status};

use super::settings::{DEFAULT_MAX_AGE, Keeper, Settings};
use super::store::{SessionId, SessionRecord, Token, id_of};
use super::values::Values;
use crate::request::Cookies;
use crate::response::{BoxError, HttpError};

/// The number of bytes of name and value that browsers keep (RFC 6265bis section 5.7).
const MAX_COOKIE: usize = 4096;

/// A session of a request: empty until it is loaded.
#[derive(Clone)]
pub(crate) struct Slot(Arc<Inner>);

struct Inner {
    settings: Arc<Settings>,
    state: Mutex<Option<State>>,
}

/// A session that has been loaded.
#[derive(Default)]
pub(super) struct State {
    pub(super) values: Values,
    origin: Origin,
    /// The values have been changed, or must be written again.
    pub(super) is_changed: bool,
    /// A session in a store must get a new id.
    pub(super) is_cycled: bool,
    /// The response is on its way. Changes come too late.
    pub(super) is_over: bool,
}

/// The cookie of the request.
#[derive(Clone, Copy, Default)]
enum Origin {
    /// There is none.
    #[default]
    None,
    /// There is one that is not accepted.
    Invalid,
    /// There is one with the values, or of a session in the store.
    Valid(Option<Key>),
}

/// A session in a store.
#[derive(Clone, Copy)]
struct Key {
    id: SessionId,
    created: SystemTime,
    used: SystemTime,
}

/// The effect of a session on the response.
enum Effect {
    None,
    Set(String),
    Remove,
}

impl Slot {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self(Arc::new(Inner { settings, state: Mutex::new(None) }))
    }

    /// Loads the session, if that has not been done.
    pub(super) async fn load(&self, headers: &Headers) -> Result<(), HttpError> {
        if self.0.state.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Ok(());
        }
        let settings = &*self.0.settings;
        let cookie = Cookies::parse(headers).get(settings.name()).map(str::to_owned);
        let state = match cookie {
            None => State::default(),
            Some(cookie) => match settings.read(&cookie).await.map_err(unavailable)? {
                Some((values, key)) => State { values, origin: Origin::Valid(key), ..State::default() },
                None => State { origin: Origin::Invalid, ..State::default() },
            },
        };
        // Another task may have loaded it meanwhile, and may have changed it.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(state);
        Ok(())
    }

    /// Calls `work` with the session, which has been loaded.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(self.0.state.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
    }

    /// Saves the session if it was changed, and adds the fields of the response.
    ///
    /// # Errors
    /// 500 if the values are too large, 503 if the store fails.
    pub(crate) async fn save(&self, response: &mut Response) -> Result<(), HttpError> {
        let work = {
            let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(state) = &mut *state else { return Ok(()) };
            state.is_over = true;
            let values = (state.values.iter().len() > 0).then(|| state.values.clone());
            Work { values, origin: state.origin, is_changed: state.is_changed, is_cycled: state.is_cycled }
        };
        response.headers.add_vary("Cookie");
        let settings = &*self.0.settings;
        let field = match settings.write(work).await? {
            Effect::None => return Ok(()),
            Effect::Set(value) => settings.field(&value),
            Effect::Remove => settings.removal(),
        };
        response.headers.try_append("set-cookie", field).map_err(|error| fault(error.into()))
    }
}

/// A session at the end of its request.
struct Work {
    /// `None` if the session is empty.
    values: Option<Values>,
    origin: Origin,
    is_changed: bool,
    is_cycled: bool,
}

impl Settings {
    /// Reads the values of a cookie. `None` if it is not accepted.
    async fn read(&self, cookie: &str) -> Result<Option<(Values, Option<Key>)>, BoxError> {
        let now = self.now();
        let values = match &self.keeper {
            Keeper::Signed(signer) => {
                let text = signer.unsign(cookie, self.max_age, now).ok();
                let json = text.and_then(|text| STANDARD.decode(text).ok());
                json.and_then(|json| Values::from_json(&json))
            }
            #[cfg(feature = "encrypted-cookies")]
            Keeper::Encrypted(cipher) => {
                let json = cipher.open(self.name(), cookie, self.max_age, now);
                json.and_then(|json| Values::from_json(&json))
            }
            Keeper::Stored(store) => {
                let id = id_of(cookie);
                let Some(record) = store.load(&id).await? else { return Ok(None) };
                if record.expires <= now {
                    store.remove(&id).await?;
                    return Ok(None);
                }
                let key = Key { id, created: record.created, used: record.used };
                return Ok(Values::from_json(&record.data).map(|values| (values, Some(key))));
            }
        };
        Ok(values.map(|values| (values, None)))
    }

    /// Writes a session to its cookie or its store.
    async fn write(&self, work: Work) -> Result<Effect, HttpError> {
        match &self.keeper {
            Keeper::Stored(_) => self.write_to_store(work).await,
            _ if work.is_changed => match (work.values, work.origin) {
                (Some(values), _) => self.cookie_of(&values).map(Effect::Set),
                (None, Origin::None) => Ok(Effect::None),
                (None, _) => Ok(Effect::Remove),
            },
            _ => Ok(work.unchanged()),
        }
    }

    /// Returns a cookie with all values.
    fn cookie_of(&self, values: &Values) -> Result<String, HttpError> {
        let now = self.now();
        let value = match &self.keeper {
            Keeper::Signed(signer) => {
                let json = values.to_python_json().map_err(|error| fault(error.into()))?;
                signer.sign(&STANDARD.encode(json), now)
            }
            #[cfg(feature = "encrypted-cookies")]
            Keeper::Encrypted(cipher) => {
                let json = values.to_json().map_err(|error| fault(error.into()))?;
                cipher.seal(self.name(), &json, now).map_err(fault)?
            }
            Keeper::Stored(_) => unreachable!("the values are in the store"),
        };
        let size = self.name().len() + value.len();
        if size > MAX_COOKIE {
            let advice = "keep less in the session, or create the middleware by `Sessions::stored`";
            return Err(fault(
                format!("the session cookie has {size} bytes, and browsers keep {MAX_COOKIE}: {advice}")
                    .into(),
            ));
        }
        Ok(value)
    }

    async fn write_to_store(&self, work: Work) -> Result<Effect, HttpError> {
        let Keeper::Stored(store) = &self.keeper else { return Ok(Effect::None) };
        let now = self.now();
        let key = match work.origin {
            Origin::Valid(key) => key,
            _ => None,
        };
        if !work.is_changed {
            if let (Some(key), Some(values)) = (key, &work.values)
                && self.is_use_due(&key, now)
            {
                // If the session is gone, another request has ended it.
                store.update(&key.id, self.record(values, key.created, now)?).await.map_err(unavailable)?;
            }
            return Ok(work.unchanged());
        }
        let Some(values) = &work.values else {
            if let Some(key) = key {
                store.remove(&key.id).await.map_err(unavailable)?;
            }
            return Ok(if matches!(work.origin, Origin::None) { Effect::None } else { Effect::Remove });
        };
        match key {
            Some(key) if !work.is_cycled => {
                let record = self.record(values, key.created, now)?;
                let is_there = store.update(&key.id, record).await.map_err(unavailable)?;
                return Ok(if is_there { Effect::None } else { Effect::Remove });
            }
            Some(key) => store.remove(&key.id).await.map_err(unavailable)?,
            None => {}
        }
        let token = Token::random().map_err(fault)?;
        store.create(&token.id(), self.record(values, now, now)?).await.map_err(unavailable)?;
        Ok(Effect::Set(token.as_str().to_owned()))
    }

    /// Returns the record of a session that is used now.
    fn record(
        &self,
        values: &Values,
        created: SystemTime,
        now: SystemTime,
    ) -> Result<SessionRecord, HttpError> {
        let data = values.to_json().map_err(|error| fault(error.into()))?;
        if data.len() > self.max_stored {
            let (size, limit) = (data.len(), self.max_stored);
            return Err(fault(
                format!("the session has {size} bytes: keep less in it than the limit of {limit}").into(),
            ));
        }
        let end = later(created, self.max_age.unwrap_or(DEFAULT_MAX_AGE));
        let expires = self.idle.map_or(end, |idle| end.min(later(now, idle)));
        Ok(SessionRecord { data, created, used: now, expires })
    }

    /// Whether to record a use without a change: after a sixteenth of the idle timeout, so that few requests write.
    fn is_use_due(&self, key: &Key, now: SystemTime) -> bool {
        let passed = now.duration_since(key.used).unwrap_or_default();
        self.idle.is_some_and(|idle| passed >= idle / 16)
    }
}

impl Work {
    /// The effect of a session that was only read: a cookie that is not accepted is deleted.
    fn unchanged(&self) -> Effect {
        if matches!(self.origin, Origin::Invalid) { Effect::Remove } else { Effect::None }
    }
}

/// Adds a duration to a time; at most a century, which every system can represent.
fn later(time: SystemTime, duration: Duration) -> SystemTime {
    time + duration.min(Duration::from_secs(100 * 365 * 24 * 3600))
}

/// The store cannot be reached.
fn unavailable(error: BoxError) -> HttpError {
    HttpError::new(Status::SERVICE_UNAVAILABLE).with_source(error)
}

/// The session cannot be saved.
fn fault(error: BoxError) -> HttpError {
    HttpError::new(Status::INTERNAL_SERVER_ERROR).with_source(error)
}
