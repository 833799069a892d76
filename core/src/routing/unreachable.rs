//! Routes that no request can reach, because routes declared before them answer every request for them.
//!
//! The check proves that one pattern matches every text of another. It never reports a route that some request reaches,
//! but it does not find every unreachable one: what a custom convertor accepts is unknown.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::Methods;
use super::convertor::{Class, Convertors};
use super::pattern::{Part, Pattern};
use super::router::{Entry, Kind, RouteId, Router};

/// A route that no request can reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unreachable {
    /// The route.
    pub route: RouteId,
    /// The first earlier route that answers its requests, or some of them.
    pub by: RouteId,
    /// Whether both are of one kind, and their patterns match exactly the same texts.
    pub is_same: bool,
}

/// A symbol of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Byte(u8),
    Param(Class),
}

/// A route, and the symbols of its pattern.
type Earlier = (RouteId, Box<[Symbol]>);

/// The symbols of a pattern. For a mount, those of the paths below it.
fn symbols(kind: Kind, pattern: &Pattern) -> Box<[Symbol]> {
    let mut symbols = Vec::new();
    for part in &pattern.parts {
        match part {
            Part::Literal(text) => symbols.extend(text.bytes().map(Symbol::Byte)),
            Part::Param(position) => symbols.push(Symbol::Param(pattern.params[*position].class)),
        }
    }
    if kind == Kind::Mount {
        symbols.extend([Symbol::Byte(b'/'), Symbol::Param(Class::Path)]);
    }
    symbols.into()
}

/// The literal bytes at the start of a pattern.
fn literal(symbols: &[Symbol]) -> Vec<u8> {
    symbols
        .iter()
        .map_while(|symbol| if let Symbol::Byte(byte) = symbol { Some(*byte) } else { None })
        .collect()
}

/// Returns whether the pattern `outer` matches every text that `inner` matches.
fn covers(convertors: &Convertors, outer: &[Symbol], inner: &[Symbol]) -> bool {
    let Some((first, rest)) = outer.split_first() else { return inner.is_empty() };
    let class = match *first {
        Symbol::Byte(_) => return inner.first() == Some(first) && covers(convertors, rest, &inner[1..]),
        Symbol::Param(class) => class,
    };
    (0..=inner.len())
        .any(|end| takes(convertors, class, &inner[..end]) && covers(convertors, rest, &inner[end..]))
}

/// Returns whether a parameter of this class matches every text of these symbols.
fn takes(convertors: &Convertors, class: Class, symbols: &[Symbol]) -> bool {
    let is_in_segment = |symbol: &Symbol| match *symbol {
        Symbol::Byte(byte) => byte != b'/',
        // A custom convertor may match the empty text.
        Symbol::Param(class) => matches!(class, Class::Str | Class::Int | Class::Float | Class::Uuid),
    };
    match (class, symbols) {
        (Class::Path, _) => true,
        (Class::Str, _) => !symbols.is_empty() && symbols.iter().all(is_in_segment),
        (Class::Float, [Symbol::Param(Class::Int)]) => true,
        (_, [Symbol::Param(other)]) => *other == class,
        _ => {
            let text = literal(symbols);
            text.len() == symbols.len()
                && core::str::from_utf8(&text).is_ok_and(|text| convertors.matches(class, text))
        }
    }
}

impl<T> Router<T> {
    /// Returns the routes, mounts and hosts that no request can reach, in the order of declaration.
    ///
    /// ```
    /// use stelo_core::http::Method;
    /// use stelo_core::routing::Builder;
    ///
    /// let mut builder = Builder::new();
    /// builder.route("/users/{name}", Method::Get, "user");
    /// builder.route("/users/me", Method::Get, "me");
    /// let router = builder.build()?;
    /// let unreachable = router.unreachable();
    /// assert_eq!(unreachable.len(), 1);
    /// assert_eq!(router.pattern(unreachable[0].route), "/users/me");
    /// assert_eq!(router.pattern(unreachable[0].by), "/users/{name}");
    /// # Ok::<(), stelo_core::routing::RouteError>(())
    /// ```
    pub fn unreachable(&self) -> Vec<Unreachable> {
        let (paths, hosts): (Vec<RouteId>, _) = self.routes().partition(|&id| self.kind(id) != Kind::Host);
        let mut found = self.unreachable_of(&paths);
        found.extend(self.unreachable_of(&hosts));
        found.sort_by_key(|unreachable| unreachable.route);
        found
    }

    fn kind(&self, id: RouteId) -> Kind {
        self.entries[id.index()].kind
    }

    fn unreachable_of(&self, routes: &[RouteId]) -> Vec<Unreachable> {
        // Earlier routes by their literal beginning. A pattern covers another only if that has the same beginning.
        let mut earlier: BTreeMap<Vec<u8>, Vec<Earlier>> = BTreeMap::new();
        let mut found = Vec::new();
        for &id in routes {
            let entry = &self.entries[id.index()];
            let symbols = symbols(entry.kind, &entry.pattern);
            let start = literal(&symbols);
            // A mount may have its path answered by a route before it.
            if entry.kind != Kind::MountPoint {
                let mut covering: Vec<_> = (0..=start.len())
                    .filter_map(|length| earlier.get(&start[..length]))
                    .flatten()
                    .filter(|(_, outer)| covers(&self.convertors, outer, &symbols))
                    .collect();
                covering.sort_by_key(|(id, _)| *id);
                found.extend(self.answered(entry, &covering, &symbols).map(|(by, is_same)| Unreachable {
                    route: id,
                    by,
                    is_same,
                }));
            }
            earlier.entry(start).or_default().push((id, symbols));
        }
        found
    }

    /// Returns the first of the routes that together answer every method of `entry`, and whether it is the same.
    fn answered(
        &self,
        entry: &Entry<T>,
        covering: &[&Earlier],
        symbols: &[Symbol],
    ) -> Option<(RouteId, bool)> {
        let (mut first, mut methods) = (None, Methods::new());
        for (id, outer) in covering {
            let other = &self.entries[id.index()];
            if other.methods.intersects(&entry.methods) {
                first = first.or(Some((*id, other.kind == entry.kind && **outer == *symbols)));
                methods.merge(&other.methods);
            }
        }
        first.filter(|_| methods.contains_all(&entry.methods))
    }
}
