//! The patterns that prose may not contain, and what to write instead.
//!
//! A pattern belongs here if it makes fluent readers stop and hardly ever occurs in plain English. What the words mean,
//! and pairs of sentences before and after, are in `docs/inside/style.md`.

use std::ops::Range;

use regex_lite::{Regex, RegexBuilder};

use super::text::Place;

/// A pattern.
#[derive(Debug)]
pub(crate) struct Rule {
    pattern: Regex,
    /// Matches that are plain English all the same.
    unless: Option<Regex>,
    pub(crate) places: &'static [Place],
    pub(crate) instead: &'static str,
}

impl Rule {
    /// Finds every place in `text` that has to be rewritten.
    pub(crate) fn find(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        let ranges = self.pattern.find_iter(text).map(|found| found.range());
        ranges
            .filter(|range| !self.unless.as_ref().is_some_and(|unless| unless.is_match(&text[range.clone()])))
    }
}

const PROSE: &[Place] = &[Place::Summary, Place::Doc, Place::Comment, Place::Str, Place::Name, Place::Page];
/// All prose but strings: tests send and expect any words.
const NO_STRINGS: &[Place] = &[Place::Summary, Place::Doc, Place::Comment, Place::Name, Place::Page];
const SUMMARY: &[Place] = &[Place::Summary];

/// Patterns without regard to case, exceptions (matched against what the pattern has found), places, and what to write.
const LIST: &[(&str, &str, &[Place], &str)] = &[
    (
        r"\b(stands?|stood|standing)\b(-\w+)?|long-standing|upstanding",
        r"(?i)^stand-|^long-",
        PROSE,
        "say \"is\", \"is in\", \"is stored\"; of a name, \"means\"",
    ),
    (r"\b(whoever|whomever|whosever)\b", "", PROSE, "name the caller, the client, the handler"),
    (
        r"\bwhatever (is|was|has|had|does|do|did|it|they|comes|came|becomes|runs|asks|wants|happens|else|of)\b",
        "",
        PROSE,
        "name the thing, or say \"any\"",
    ),
    (
        r"\b(somebody|nobody|anybody|everybody|someone|anyone|everyone)\b",
        "",
        NO_STRINGS,
        "name the caller, the client, the task; or use the passive",
    ),
    (
        r"(\b[\w']+,? )?\bwhom?\b",
        r"(?i)^(users?|authors?|readers?|operators?|people|person|developers?|contributors?|maintainers?|reporters?|engineers?),? who",
        NO_STRINGS,
        "name the thing in the code: the caller, the task, the client",
    ),
    (r"\bso (many|much|long|few)\b", r"", PROSE, "say the number: \"`n` bytes\", \"after `timeout`\""),
    (r"\bto be had\b", "", PROSE, "say \"available\", \"accepted\", \"enabled\""),
    (r"\b(is|are|was|were) to be\b", "", PROSE, "use the present: \"is sent\", or \"must be sent\""),
    (
        r"\b(is|are|was|were) to (come|follow|know|go|say|read|run|have|get|see|hold)\b",
        "",
        PROSE,
        "use the present, or \"must\"; of plans, \"planned\"",
    ),
    (r"\bat hand\b", "", PROSE, "say \"buffered\", \"cached\", \"in memory\", \"ready\""),
    (r"\bof (ours|theirs|mine|yours)\b|\bone's\b", "", PROSE, "say \"our\", \"its own\", or name the owner"),
    (r"\b(take|takes|taking|took) leave\b", "", PROSE, "say \"disposes of\", \"closes\""),
    (r"\b(gladly|decent|decently|mind|minds)\b", "", PROSE, "say what happens in the code"),
    (r"\bstretch(es)?\b", "", PROSE, "say \"range\", \"segment\", \"period\""),
    (
        r"(\b\w+ )?\b(is|are|was|were) none\b|\bnone: none\b",
        r"(?i)^there ",
        PROSE,
        "say \"is invalid\", \"is not a ...\", \"is absent\"",
    ),
    (r"\b(bear|bears|bore|borne|bearing)\b", "", PROSE, "say \"has\", \"carries\", \"is named\""),
    (
        r"^Has\b( \w+)?",
        r"^Has (no|a|an)$",
        SUMMARY,
        "begin with what the function does: \"Arms the timer\", \"Sets the handler\"",
    ),
    (
        r"^(What|Who|Whom|Where|How|Those)\b( \w+)?",
        "",
        SUMMARY,
        "begin with a noun (\"The number of ...\") or a verb (\"Returns ...\"); \"Whether\" is fine",
    ),
    (r"\bin a box\b", "", PROSE, "say \"boxed\""),
    (
        r"\b(same|one|each|every|this|next|a|per|its|first|last) turn\b",
        "",
        PROSE,
        "say \"poll\", \"pass\" or \"iteration\"",
    ),
    (
        r"\b(timer|alarm|clock|deadline|it)s? (rings?|rang|ringing)\b|\b(timer|alarm|clock) ring\b",
        "",
        PROSE,
        "a timer fires or expires",
    ),
    (r"\bbe (it|they)\b", "", PROSE, "say \"whether ... or ...\""),
    (
        r"\b(lest|thereof|therein|whereby|wherein|ere|naught|nought|hither|thither|whence|thence|in vain)\b",
        "",
        PROSE,
        "use a word of today",
    ),
    (
        r"\b(is|are|was|were|be) (of (no |any |some |little )?use|no use)\b",
        "",
        PROSE,
        "say \"is useful\", \"cannot be used\", \"has no effect\"",
    ),
    (r"\b(is|are|was|were|be) spared\b|\bspares (it|them|the)\b", "", PROSE, "say \"skips\", \"avoids\""),
    (
        r"\band (its|their) like\b|\bor the like\b|\band the like\b",
        "",
        PROSE,
        "say \"and similar\", or list them",
    ),
    (
        r"\b(if|when|as|where|what|that|unless|until|before|which|because|for) one (likes|types|wants|wishes|knows|looks|reads|finds|tries|asks)\b",
        "",
        PROSE,
        "name the caller",
    ),
    (
        r"\b(held|hold|holds) (it |them |that |this )?against\b",
        "",
        PROSE,
        "say \"compared with\", \"checked against\"",
    ),
    (
        r"\b(hear|hears|heard|tell|tells|told) of\b",
        "",
        PROSE,
        "say \"is notified of\", \"learns of\", \"reports\"",
    ),
    (r"\b(owe|owes|owed)\b", "", PROSE, "say \"must still send\", \"is due\""),
    (r"\bthe way of (a|an|the|each|every)\b", "", PROSE, "say \"the path of\""),
    (r"\bsave (for|that|where)\b", r"", PROSE, "say \"except\""),
    (r"\bfor who\b", "", PROSE, "say \"for callers that\""),
];

/// Compiles the list.
pub(crate) fn rules() -> Result<Vec<Rule>, String> {
    let regex = |pattern: &str| {
        let built = RegexBuilder::new(pattern).case_insensitive(true).build();
        built.map_err(|error| format!("{pattern}: {error}"))
    };
    LIST.iter()
        .map(|&(pattern, unless, places, instead)| {
            let unless = if unless.is_empty() { None } else { Some(regex(unless)?) };
            Ok(Rule { pattern: regex(pattern)?, unless, places, instead })
        })
        .collect()
}
