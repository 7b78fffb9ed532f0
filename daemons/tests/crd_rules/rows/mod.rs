//! The table: one row a rule, with an object that it accepts, one that it refuses, and the error that it is in Rust.

#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

mod addresses;
mod claims;
mod classes;
mod lists;
mod options;
mod pools;
mod reservations;
mod sizes;

use std::fmt::Display;
use std::net::Ipv4Addr;

use serde_json::{Value, json};
use vmdhcp_core::{
    MacAddr,
    admission::{ClaimError, PoolChangeError},
    pool::PoolError,
};

use crate::objects::{claim, pool};

/// One rule.
pub(crate) struct Row {
    /// What it demands, as a sentence.
    pub rule: &'static str,
    /// The stored object that the others are to replace; none: they are new.
    pub stored: Option<Value>,
    /// An object that has to be accepted.
    pub accepted: Value,
    /// One that has to be refused.
    pub refused: Value,
    /// One that is bad in another way: from `refused` to this is a change for the worse. None where there is no other way.
    pub worse: Option<Value>,
    /// Field of the refusal, up to the first position in a list.
    pub field: String,
    /// What the refusal says.
    pub sentence: String,
    /// Name of the error's variant.
    pub error: &'static str,
}

impl Row {
    fn new(
        rule: &'static str,
        accepted: Value,
        refused: Value,
        field: &str,
        error: (&'static str, String),
    ) -> Self {
        let field = field.split('[').next().unwrap().to_owned();
        Self { rule, stored: None, accepted, refused, worse: None, field, sentence: error.1, error: error.0 }
    }

    fn worse(self, worse: Value) -> Self {
        Self { worse: Some(worse), ..self }
    }

    fn over(self, stored: Value) -> Self {
        Self { stored: Some(stored), ..self }
    }
}

/// Every variant of an error by name: a new one does not compile before it is named here, and then is missed in the table.
macro_rules! variants {
    ($all:ident, $name:ident, $error:ident: $($variant:ident)+) => {
        pub(crate) const $all: &[&str] = &[$(stringify!($variant)),+];
        fn $name(error: &$error) -> &'static str {
            match error { $($error::$variant { .. } => stringify!($variant)),+ }
        }
    };
}

variants! { POOL_ERRORS, pool_error, PoolError:
    NetworkName NoIpv4Config NotDefaulted Cidr CidrTooSmall CidrNotUnicast Address OutsideSubnet NotAHost ServerIsRouter
    ServerExcluded RangeReversed HalfARange TooMany Exclude DomainName NtpServer OutOfBounds LeaseTimes Mac DuplicateMac
    DuplicateAddress ReservedElsewhere RouteDestination OptionUnnamed OptionName OptionForbidden OptionTwice OptionType
    OptionValue BootFile ClassName ClassOfAll MacPrefix Relay ForeignServerPolicy
}
variants! { POOL_CHANGE_ERRORS, pool_change_error, PoolChangeError:
    NetworkNameChanged CidrChanged NetworkTaken CutsOff CutsOffMore InUse
}
variants! { CLAIM_ERRORS, claim_error, ClaimError:
    VmNameChanged VmNameEmpty SpellingsDiffer TooManyCards NetworkName Mac Address Option MacTwice AddressTwice AddressInUse
    AddressReserved OutsideSubnet ServersAddress RoutersAddress Excluded OutsideRanges
}

/// Rules that are in no CRD, and why (docs/validation.md).
pub(crate) const NOT_IN_CRDS: &[(&str, &str)] = &[
    (
        "NotDefaulted",
        "what is left out is filled in by the webhook or the manager, so a CRD has to accept it",
    ),
    ("NetworkTaken", "it is about another object"),
    ("CutsOff", "it is about up to 40,900 entries of the status"),
    ("CutsOffMore", "like CutsOff"),
    ("InUse", "it is about other objects, and no rule in a CRD is asked about a deletion"),
    (
        "Option",
        "of claims: 256 cards in two spellings can have 8,192 options; the webhook and the manager read them",
    ),
    ("AddressInUse", "it is about another object, the pool"),
    ("AddressReserved", "it is about another object, the pool"),
    ("OutsideSubnet", "of claims: it is about another object, the pool"),
    ("ServersAddress", "it is about another object, the pool"),
    ("RoutersAddress", "it is about another object, the pool"),
    ("Excluded", "it is about another object, the pool"),
    ("OutsideRanges", "it is about another object, the pool"),
];

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

/// Of a pool: `accepted` and so on are fields of `ipv4Config`.
fn config(rule: &'static str, accepted: Value, refused: Value, worse: Value, error: &PoolError) -> Row {
    let of = |fields: Value| pool(json!({ "ipv4Config": fields }));
    let error_ = (pool_error(error), error.sentence());
    Row::new(rule, of(accepted), of(refused), &error.field(), error_).worse(of(worse))
}

/// The same of one of its lists.
fn items(
    rule: &'static str,
    list: &'static str,
    [accepted, refused, worse]: [Value; 3],
    error: &PoolError,
) -> Row {
    let of = |items: Value| match list.split_once('.') {
        Some((parent, list)) => json!({ parent: { list: items } }),
        None => json!({ list: items }),
    };
    config(rule, of(accepted), of(refused), of(worse), error)
}

/// Of a claim's cards.
fn cards(rule: &'static str, [accepted, refused, worse]: [Value; 3], field: &str, error: ClaimError) -> Row {
    let of = |cards: Value| claim(json!({ "networkConfigs": cards }));
    Row::new(rule, of(accepted), of(refused), field, (claim_error(&error), error.to_string()))
        .worse(of(worse))
}

fn schema(rule: &'static str, accepted: Value, refused: Value, field: &str, sentence: impl Display) -> Row {
    Row::new(rule, accepted, refused, field, ("TooMany", sentence.to_string()))
}

/// All of them.
pub(crate) fn rows() -> Vec<Row> {
    let topics = [
        pools::rows,
        addresses::rows,
        lists::rows,
        reservations::rows,
        options::rows,
        classes::rows,
        claims::rows,
        sizes::rows,
    ];
    topics.iter().flat_map(|rows| rows()).collect()
}

fn at(field: &str) -> String {
    format!("spec.ipv4Config.{field}")
}
