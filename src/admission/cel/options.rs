//! Rules of DHCP options, as CEL: each says of an option what has to hold, and what is said if it does not.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::ValidationRule;

use super::pool::{out_of_bounds, says};
use super::terms::is_ipv4;
use super::{Items, Sentence, VALUE, quoted};
use crate::api::limits::MOST_OPTIONS;
use crate::pool::{FORBIDDEN, PoolError, known_options, option_types};

/// Of the options of a pool.
pub(super) fn options() -> Vec<ValidationRule> {
    let list = Items::of("options");
    let mut rules = Vec::new();
    let item = "item";
    for (holds, says) in
        [named(item), numbered(item), allowed(item), typed(item), known(item), readable(item)]
    {
        rules.push(list.rule(&holds, says));
    }
    let twice = PoolError::OptionTwice { field: String::new(), code: 237 };
    rules.push(list.distinct(&[&code], "0", MOST_OPTIONS, says(&twice, &[(&237, &code(item))])));
    rules
}

/// A constant that CEL looks things up in.
fn map(entries: impl Iterator<Item = (String, String)>) -> String {
    let entries: Vec<_> = entries.map(|(key, value)| format!("{key}: {value}")).collect();
    format!("{{{}}}", entries.join(", "))
}

/// The name of an option, as it is looked up.
fn option_name(option: &str) -> String {
    format!("{option}.name.trim().lowerAscii().replace('_', '-')")
}

/// The number of an option; 0 if its name is not known.
fn code(option: &str) -> String {
    let name = option_name(option);
    let codes = map(known_options().map(|(name, code, _)| (quoted(name), code.to_string())));
    format!("(has({option}.code) ? {option}.code : has({option}.name) ? {codes}[?{name}].orValue(0) : 0)")
}

/// It has a number or a name.
pub(super) fn named(option: &str) -> (String, Sentence) {
    (
        format!("has({option}.code) != has({option}.name)"),
        says(&PoolError::OptionUnnamed { field: String::new() }, &[]),
    )
}

/// Its number is one of DHCP.
pub(super) fn numbered(option: &str) -> (String, Sentence) {
    (
        format!("!has({option}.code) || {option}.code >= 1 && {option}.code <= 254"),
        out_of_bounds(&format!("{option}.code"), (1, 254), ""),
    )
}

/// It is not one that the server itself answers for.
pub(super) fn allowed(option: &str) -> (String, Sentence) {
    let codes: Vec<_> = FORBIDDEN.iter().map(|(code, _)| code.to_string()).collect();
    let error = PoolError::OptionForbidden { field: String::new(), code: 237, instead: VALUE };
    let instead = map(FORBIDDEN.iter().map(|(code, instead)| (code.to_string(), quoted(instead))));
    (
        format!("!has({option}.code) || !({option}.code in [{}])", codes.join(", ")),
        says(&error, &[(&237, &format!("{option}.code")), (&VALUE, &format!("{instead}[{option}.code]"))]),
    )
}

/// Its type is a known one.
pub(super) fn typed(option: &str) -> (String, Sentence) {
    let types: Vec<_> = option_types().map(|(word, _)| quoted(word)).collect();
    let error = PoolError::OptionType { field: String::new(), value: VALUE.to_owned() };
    (
        format!("!has({option}.type) || {option}.type in [{}]", types.join(", ")),
        says(&error, &[(&VALUE, &format!("{option}.type"))]),
    )
}

/// Its name is a known one.
fn known(option: &str) -> (String, Sentence) {
    let names = map(known_options().map(|(name, code, _)| (quoted(name), code.to_string())));
    let error = PoolError::OptionName { field: String::new(), name: VALUE.to_owned() };
    (
        format!("!has({option}.name) || has({option}.code) || {} in {names}", option_name(option)),
        says(&error, &[(&VALUE, &format!("{option}.name"))]),
    )
}

/// The value is of its type.
fn readable(option: &str) -> (String, Sentence) {
    const BYTE: &str = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    let address = format!("({BYTE}[.]){{3}}{BYTE}");
    let name = r"(\\w([-\\w]{0,61}\\w)?[.])*\\w([-\\w]{0,61}\\w)?[.]?";
    let route = format!(r"{address}/(3[0-2]|[12]?[0-9])\\s*=\\s*{address}");
    let (looked_up, text) = (option_name(option), format!("{option}.value.trim()"));
    let text = text.as_str();
    let below = |digits: u8, highest: u32| {
        format!("{text}.matches('^[+]?0*[0-9]{{1,{digits}}}$') && int({text}) <= {highest}")
    };
    let by_name = map(known_options().map(|(name, _, type_)| (quoted(name), quoted(type_))));
    let by_code = map(known_options().map(|(_, code, type_)| (code.to_string(), quoted(type_))));
    let type_ = format!(
        "(has({option}.type) ? {option}.type : has({option}.name) ? {by_name}[?{looked_up}].orValue('') : has({option}.code) ? {by_code}[?{option}.code].orValue('hex') : '')"
    );
    let is_of = |(word, _): (&'static str, &'static str)| {
        let reads = match word {
            "ip" => is_ipv4(text),
            "ips" => format!(r"{text}.matches('^{address}(\\s*,\\s*{address})*$')"),
            "text" => format!("{option}.value != ''"),
            "u8" => below(3, u8::MAX.into()),
            "u16" => below(5, u16::MAX.into()),
            "u32" => below(10, u32::MAX),
            "bool" => format!("{text} in ['true', 'false']"),
            "domains" => format!(r"{text}.matches('^{name}(\\s*,\\s*{name})*$')"),
            "routes" => format!(r"{text}.matches('^{route}(\\s*,\\s*{route})*$')"),
            _ => format!("{text}.matches('^[-: ]*([0-9a-fA-F][-: ]*[0-9a-fA-F][-: ]*)+$')"),
        };
        format!("(kind != '{word}' || {reads})")
    };
    let expected = map(option_types().map(|(word, expected)| (quoted(word), quoted(expected))));
    let error = PoolError::OptionValue {
        field: String::new(),
        value: VALUE.to_owned(),
        type_: "TYPE",
        expected: "EXPECTED",
    };
    let checks: Vec<_> = option_types().map(is_of).collect();
    let Sentence { plain, format } = says(
        &error,
        &[
            (&VALUE, &format!("{option}.value")),
            (&"TYPE", "kind"),
            (&"EXPECTED", &format!("{expected}[kind]")),
        ],
    );
    (
        format!("[{type_}].all(kind, {})", checks.join(" && ")),
        Sentence { plain, format: format.map(|format| format!("[{type_}].map(kind, {format})[0]")) },
    )
}
