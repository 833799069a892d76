//! `Extensions`: values found by their type, for the state of an application and the extensions of a request.

use std::any::{Any, TypeId};
use std::fmt;

/// A map from types to values of these types.
///
/// It is a list, which is faster than a hash map for a few values. An empty one needs no allocation.
///
/// ```
/// let mut extensions = stelo_toolkit::request::Extensions::default();
/// extensions.insert(7_u32);
/// assert_eq!(extensions.get::<u32>(), Some(&7));
/// assert_eq!(extensions.get::<i8>(), None);
/// ```
#[derive(Default)]
pub struct Extensions(Vec<(TypeId, Box<dyn Any + Send + Sync>)>);

impl Extensions {
    /// Creates an empty map.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Inserts a value. Returns the earlier value of the same type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) -> Option<T> {
        let before = self.remove();
        self.0.push((TypeId::of::<T>(), Box::new(value)));
        before
    }

    /// Returns the value of this type.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.iter().find(|(id, _)| *id == TypeId::of::<T>())?.1.downcast_ref()
    }

    /// Returns the value of this type, mutably.
    pub fn get_mut<T: 'static>(&mut self) -> Option<&mut T> {
        self.0.iter_mut().find(|(id, _)| *id == TypeId::of::<T>())?.1.downcast_mut()
    }

    /// Removes the value of this type.
    pub fn remove<T: 'static>(&mut self) -> Option<T> {
        let at = self.0.iter().position(|(id, _)| *id == TypeId::of::<T>())?;
        self.0.swap_remove(at).1.downcast().ok().map(|value| *value)
    }

    /// Whether there are no values.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a value of the type of this id.
    pub(crate) fn contains(&self, id: TypeId) -> bool {
        self.0.iter().any(|(other, _)| *other == id)
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extensions({})", self.0.len())
    }
}
