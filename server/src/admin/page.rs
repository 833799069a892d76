//! Samples in the text format of Prometheus (version 0.0.4): written, read, and added up over processes.

use std::collections::HashMap;
use std::fmt;

/// The kind of a family of samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The samples of one name.
#[derive(Clone, Debug)]
struct Family {
    name: String,
    help: String,
    kind: Kind,
    /// Names with their labels, and values.
    samples: Vec<(String, f64)>,
}

/// The samples of a process, or the sums of several.
#[derive(Clone, Default, Debug)]
pub(super) struct Page {
    families: Vec<Family>,
}

impl Page {
    /// Begins a family, which the next samples belong to.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        self.families.push(Family { name: name.into(), help: help.into(), kind, samples: Vec::new() });
    }

    /// Adds a sample: a name with its labels, and a value.
    pub(super) fn sample(&mut self, name: impl Into<String>, value: f64) {
        if let Some(family) = self.families.last_mut() {
            family.samples.push((name.into(), value));
        }
    }

    /// Adds a family of one sample without labels.
    pub(super) fn single(&mut self, name: &str, kind: Kind, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, value);
    }

    /// Reads a page. Ignores lines that it cannot read.
    pub(super) fn parse(text: &str) -> Self {
        let mut page = Self::default();
        let mut help = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                help = rest.split_once(' ').map_or("", |(_, help)| help);
            } else if let Some((name, kind)) =
                line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
            {
                let kind = match kind {
                    "counter" => Kind::Counter,
                    "histogram" => Kind::Histogram,
                    _ => Kind::Gauge,
                };
                page.family(name, kind, help);
            } else if let Some((name, value)) = line.rsplit_once(' ')
                && let Ok(value) = value.parse()
            {
                page.sample(name, value);
            }
        }
        page
    }

    /// Adds the samples of another page.
    pub(super) fn add(&mut self, other: &Self) {
        other.families.iter().for_each(|family| self.add_family(family));
    }

    /// Adds the counters and histograms of a process that has ended, which the sums must not lose.
    pub(super) fn keep(&mut self, ended: &Self) {
        let counts = |family: &&Family| family.kind != Kind::Gauge;
        ended.families.iter().filter(counts).for_each(|family| self.add_family(family));
    }

    fn add_family(&mut self, family: &Family) {
        let Some(own) = self.families.iter_mut().find(|own| own.name == family.name) else {
            return self.families.push(family.clone());
        };
        let index: HashMap<String, usize> =
            own.samples.iter().enumerate().map(|(i, (name, _))| (name.clone(), i)).collect();
        for (name, value) in &family.samples {
            match index.get(name).and_then(|i| own.samples.get_mut(*i)) {
                Some((_, sum)) => *sum += value,
                None => own.samples.push((name.clone(), *value)),
            }
        }
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Family { name, help, kind, samples } in &self.families {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            writeln!(f, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
            for (name, value) in samples {
                writeln!(f, "{name} {value}")?;
            }
        }
        Ok(())
    }
}

/// Displays a text as the value of a label.
pub(super) struct Label<'a>(pub(super) &'a str);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                character => write!(f, "{character}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(requests: f64, open: f64) -> Page {
        let mut page = Page::default();
        page.family("requests_total", Kind::Counter, "Requests that were answered.");
        page.sample("requests_total{route=\"/a b\"}", requests);
        page.single("open", Kind::Gauge, "Connections.", open);
        page
    }

    #[test]
    fn a_page_that_is_read_is_the_one_that_was_written() {
        let text = page(3.0, 0.5).to_string();
        let expected = "# HELP requests_total Requests that were answered.\n# TYPE requests_total counter\n\
                        requests_total{route=\"/a b\"} 3\n# HELP open Connections.\n# TYPE open gauge\nopen 0.5\n";
        assert_eq!(text, expected);
        assert_eq!(Page::parse(&text).to_string(), expected);
    }

    #[test]
    fn samples_add_up_and_the_counters_of_ended_processes_stay() {
        let mut sum = Page::default();
        sum.keep(&page(10.0, 7.0));
        sum.add(&page(1.0, 2.0));
        let mut other = page(2.0, 3.0);
        other.families[0].samples.push(("requests_total{route=\"/c\"}".into(), 4.0));
        sum.add(&other);
        let text = sum.to_string();
        for line in ["requests_total{route=\"/a b\"} 13\n", "requests_total{route=\"/c\"} 4\n", "open 5\n"] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }

    #[test]
    fn labels_are_escaped() {
        assert_eq!(Label("/a\"\\\n").to_string(), "/a\\\"\\\\\\n");
    }
}
