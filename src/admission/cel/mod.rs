//! The stateless rules once more, as CEL in the CRDs (`x-kubernetes-validations`), so that they hold while the webhook
//! is away, and for whoever goes past it.
//!
//! The rules of Rust ([`crate::Pool`], [`super::admit_pool`], [`super::admit_claim`]) are the authority. What a CEL rule
//! says when it refuses is made from the error of the rule that it repeats, so both read the same; the table of
//! `daemons/tests/crd_rules` proves on a real API server that both decide the same. docs/validation.md says which rules
//! are not here, and why.
//!
//! **What does not change is not judged.** Rules of a single value leave that to the API server. A rule about several
//! fields, or about the items of a list, asks `oldSelf` itself: the API server compares only the whole object that the
//! rule stands on, and that changes with every sibling. So such rules stand on the object that has all their fields.
//!
//! **Costs.** Every list and text has a maximum ([`crate::api::limits`]). The API server estimates a rule before it takes
//! the CRD (10 million), and counts while it runs (1 million a rule, 10 million an object); the second is what binds
//! here, as comparing items with each other is quadratic. A test stores the largest objects.

mod claim;
mod options;
mod pool;
mod terms;

use std::fmt::{Display, Write as _};
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;

pub(crate) use claim::{claim, vm_name};
pub(crate) use pool::{
    address, boot, boot_file, cidr, domain_name, foreign_server_policy, ipv4_config, lease_time, mtu,
    network_name, pool, range,
};

/// What stands in an error for the text that a rule refuses.
const VALUE: &str = "VALUE";
/// What stands there for an address, and for a second one.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const OTHER_ADDRESS: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
/// What stands there for a subnet.
const SUBNET: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24);
/// What stands there for a number, and for a position in a list.
const NUMBER: i64 = 424_242;
const POSITION: usize = 424_242;

/// What a rule says when it refuses: the sentence of an error, with expressions where that has its values.
struct Sentence {
    /// In place of `format`, should that not come to a sentence.
    plain: String,
    /// CEL that makes the sentence; none if it is always the same.
    format: Option<String>,
}

/// The sentence of `error`, with `values`: what stands in the error, and the CEL of what shall stand there.
fn sentence(error: impl Display, values: &[(&dyn Display, &str)]) -> Sentence {
    let text = error.to_string();
    let mut rest = text.as_str();
    let (mut plain, mut template, mut arguments) = (String::new(), String::new(), Vec::new());
    let escaped = |text: &str| text.replace('%', "%%");
    let places = |rest: &str| {
        let place = |(stand_in, cel): &(&dyn Display, &str)| {
            let stand_in = stand_in.to_string();
            rest.find(&stand_in).map(|at| (at, stand_in.len(), (*cel).to_owned()))
        };
        values.iter().filter_map(place).min_by_key(|&(at, ..)| at)
    };
    while let Some((at, length, cel)) = places(rest) {
        let (before, after) = (&rest[..at], &rest[at + length..]);
        plain.push_str(before);
        plain.push_str("...");
        // What stands in quotes may have a line break in it, which no message may have.
        if let (Some(before), Some(after)) = (before.strip_suffix('"'), after.strip_prefix('"')) {
            plain.push('"');
            template.push_str(&escaped(before));
            arguments.push(format!("strings.quote({cel})"));
            rest = after;
        } else {
            template.push_str(&escaped(before));
            arguments.push(cel);
            rest = after;
        }
        template.push_str("%s");
    }
    plain.push_str(rest);
    template.push_str(&escaped(rest));
    let format =
        (!arguments.is_empty()).then(|| format!("{}.format([{}])", quoted(&template), arguments.join(", ")));
    Sentence { plain, format }
}

/// A text as CEL writes it.
fn quoted(text: &str) -> String {
    let mut literal = String::from("'");
    for character in text.chars() {
        match character {
            '\'' | '\\' => literal.extend(['\\', character]),
            '\n' => literal.push_str("\\n"),
            _ => literal.push(character),
        }
    }
    literal.push('\'');
    literal
}

/// A rule on one value; unchanged, it is not judged.
fn of_value(holds: impl Into<String>, says: Sentence) -> ValidationRule {
    ValidationRule {
        rule: holds.into(),
        message: Some(says.plain),
        message_expression: says.format,
        ..ValidationRule::default()
    }
}

/// A rule on fields of `self`, reported at the first; not judged while all of them are as they were.
fn of_fields(fields: &[&str], holds: &str, says: Sentence) -> ValidationRule {
    let path = fields.first().map(|field| format!(".{field}"));
    let holds = format!("({holds}) || oldSelf.optMap(old, {}).orValue(false)", unchanged(fields));
    ValidationRule { field_path: path, optional_old_self: Some(true), ..of_value(holds, says) }
}

/// Whether none of these fields differs between `self` and `old`.
fn unchanged(fields: &[&str]) -> String {
    let mut all = String::new();
    for field in fields {
        let separator = if all.is_empty() { "" } else { " && " };
        let _ = write!(
            all,
            "{separator}has(self.{field}) == has(old.{field}) && (!has(self.{field}) || self.{field} == old.{field})"
        );
    }
    all
}

/// A list of `self` whose items a rule is about.
#[derive(Clone, Copy)]
struct Items<'a> {
    /// The list.
    list: &'a str,
    /// Under which other names the list may have been before.
    formerly: &'a [&'a str],
    /// Fields that the rule looks at too. While they and an item are as they were, the item is not judged.
    beside: &'a [&'a str],
    /// A name, and what it stands for in the rule: something that is computed once for all items.
    given: Option<(&'a str, &'a str)>,
}

impl<'a> Items<'a> {
    fn of(list: &'a str) -> Self {
        Self { list, formerly: &[], beside: &[], given: None }
    }

    fn beside(self, beside: &'a [&'a str]) -> Self {
        Self { beside, ..self }
    }

    /// A rule on each item, `item` in the CEL; it reports the first item for which it does not hold.
    fn rule(self, holds: &str, says: Sentence) -> ValidationRule {
        let Self { list, given, .. } = self;
        let mut rule = format!("self.{list}.all(item, ({holds}) || {})", self.was_there());
        let mut format = says.format.map(|format| format!("self.{list}.map(item, !({holds}), {format})[0]"));
        if let Some((name, value)) = given {
            rule = format!("[{value}].all({name}, {rule})");
            format = format.map(|format| format!("[{value}].map({name}, {format})[0]"));
        }
        let rule = format!("!has(self.{list}) || {rule}");
        self.reported(rule, Sentence { format, ..says })
    }

    /// No two items have one key.
    ///
    /// `keys` make the key of an item, each finer than the one before: items that the first tells apart need not be
    /// compared by the next. Items whose first key is `none` have none. The sentence may use `first`, the position of
    /// the first item with that key. Comparing costs the square of the items, so lists longer than `most` go unjudged.
    fn distinct(
        self,
        keys: &[&dyn Fn(&str) -> String],
        none: &str,
        most: usize,
        says: Sentence,
    ) -> ValidationRule {
        let Self { list, .. } = self;
        let all_keys: Vec<_> =
            keys.iter().map(|key| format!("[self.{list}.map(each, {})]", key("each"))).collect();
        let is_alone = |(at, key): (usize, &&dyn Fn(&str) -> String)| {
            let key = key("item");
            format!("[{key}].all(key, keys{at}.indexOf(key) == keys{at}.lastIndexOf(key))")
        };
        let has_none = keys.first().map_or(String::new(), |key| format!("{} == {none}", key("item")));
        let alone: Vec<_> = keys.iter().enumerate().map(is_alone).collect();
        let alone = format!("{has_none} || {}", alone.join(" || "));
        let mut rule = format!("self.{list}.all(item, {alone} || {})", self.was_there());
        let mut message = says.format.map(|format| {
            let last = keys.len().saturating_sub(1);
            let first =
                keys.last().map_or(String::new(), |key| format!("keys{last}.indexOf({})", key("item")));
            format!("self.{list}.map(item, !({alone}), [{first}].map(first, {format})[0])[0]")
        });
        for (at, all) in all_keys.iter().enumerate() {
            rule = format!("{all}.all(keys{at}, {rule})");
            message = message.map(|message| format!("{all}.map(keys{at}, {message})[0]"));
        }
        let rule = format!("!has(self.{list}) || self.{list}.size() > {most} || {rule}");
        self.reported(rule, Sentence { format: message, ..says })
    }

    /// Whether `item` was in the list before.
    fn was_there(self) -> String {
        let Self { list, formerly, beside, .. } = self;
        // In a list of one, as the estimate for what is `in` 4,096 items is beyond all bounds; only bad items get here.
        let was_in =
            |list: &str, item: &str| format!("has(old.{list}) && [old.{list}].all(was, {item} in was)");
        let mut was = was_in(list, "item");
        for list in formerly {
            // The lists have types of their own, however equal.
            let _ = write!(was, " || {}", was_in(list, "dyn(item)"));
        }
        if !beside.is_empty() {
            was = format!("{} && ({was})", unchanged(beside));
        }
        format!("oldSelf.optMap(old, {was}).orValue(false)")
    }

    fn reported(self, rule: String, says: Sentence) -> ValidationRule {
        ValidationRule {
            field_path: Some(format!(".{}", self.list)),
            optional_old_self: Some(true),
            ..of_value(rule, says)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_has_expressions_where_the_error_has_values() {
        let says = sentence(
            "100% of \"VALUE\" isn't in 203.0.113.0/24",
            &[(&SUBNET, "self.cidr"), (&VALUE, "self.x")],
        );
        assert_eq!(says.plain, "100% of \"...\" isn't in ...");
        assert_eq!(
            says.format.unwrap(),
            r"'100%% of %s isn\'t in %s'.format([strings.quote(self.x), self.cidr])"
        );
        assert!(sentence("is missing", &[]).format.is_none());
    }
}
