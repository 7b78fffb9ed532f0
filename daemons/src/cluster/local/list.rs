//! Reading: one object, or all that a selection matches, in pages if asked for.
//!
//! A page shows the present, not the past: what was written after the first page may be seen in a later one. Every
//! page gives the first page's version, so a watch from there tells of all that the pages may have missed or seen early.

use std::{collections::BTreeMap, fmt, str::FromStr};

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::{
    kinds::Kind,
    object::partial_metadata,
    refusal::Refusal,
    request::{Freshness, Query},
    selector::Selection,
    transaction::{self, Key},
};

/// What a list is to contain.
#[derive(Debug)]
pub(super) struct ListOptions {
    pub(super) selection: Selection,
    freshness: Freshness,
    limit: Option<usize>,
    start: Option<Continue>,
    metadata_only: bool,
}

/// Where the next page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Continue {
    revision: i64,
    namespace: String,
    name: String,
}

impl fmt::Display for Continue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.revision, self.namespace, self.name)
    }
}

impl FromStr for Continue {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let mut parts = text.splitn(3, '/');
        let parsed = (|| {
            let revision = parts.next()?.parse().ok()?;
            Some(Self { revision, namespace: parts.next()?.to_owned(), name: parts.next()?.to_owned() })
        })();
        parsed.ok_or_else(|| Refusal::bad_request("continue key is not valid"))
    }
}

impl ListOptions {
    pub(super) fn parse(query: &Query, metadata_only: bool) -> Result<Self, Refusal> {
        Ok(Self {
            selection: query.selection()?,
            freshness: Freshness::parse(query)?,
            limit: query.number("limit")?.filter(|limit| *limit > 0),
            start: query.get("continue").map(Continue::from_str).transpose()?,
            metadata_only,
        })
    }
}

/// A stored object, unread.
pub(super) struct Found {
    pub(super) key: (String, String),
    pub(super) body: String,
}

/// One object's text. A version that has not happened yet is refused.
pub(super) fn get(sql: &Connection, key: &Key, not_older_than: Option<i64>) -> Result<String, Refusal> {
    let (current, _) = transaction::revisions(sql)?;
    if let Some(asked) = not_older_than.filter(|asked| *asked > current) {
        return Err(Refusal::version_too_large(asked, current));
    }
    transaction::get(sql, key)?.ok_or_else(|| Refusal::not_found(&key.kind, &key.name))
}

/// The text of a list.
pub(super) fn list(
    sql: &Connection,
    kind: &Kind,
    namespace: Option<&str>,
    options: &ListOptions,
) -> Result<String, Refusal> {
    let (current, compacted) = transaction::revisions(sql)?;
    let revision = match (&options.start, options.freshness) {
        (Some(start), _) if start.revision < compacted || start.revision > current => {
            return Err(Refusal::expired(
                "The provided continue parameter is too old to display a consistent list result. You must start a \
                 new list without the continue parameter.",
            ));
        }
        (Some(start), _) => start.revision,
        (None, Freshness::NotOlderThan(asked) | Freshness::Exact(asked)) if asked > current => {
            return Err(Refusal::version_too_large(asked, current));
        }
        (None, Freshness::Exact(asked)) if asked < current && changed_since(sql, kind, asked, compacted)? => {
            return Err(Refusal::expired("The resourceVersion for the provided list is too old."));
        }
        (None, _) => current,
    };
    let after = options.start.as_ref().map(|start| (start.namespace.as_str(), start.name.as_str()));
    let mut found =
        select(sql, kind, namespace, &options.selection, after, options.limit.map(|n| n.saturating_add(1)))?;
    let mut metadata = json!({ "resourceVersion": revision.to_string() });
    if let Some(limit) = options.limit.filter(|limit| found.len() > *limit) {
        found.truncate(limit);
        if let Some(Found { key: (namespace_of_last, name_of_last), .. }) = found.last() {
            if options.selection.is_everything() {
                let last = (namespace_of_last.as_str(), name_of_last.as_str());
                metadata["remainingItemCount"] = json!(count(sql, kind, namespace, last)?);
            }
            let next =
                Continue { revision, namespace: namespace_of_last.clone(), name: name_of_last.clone() };
            metadata["continue"] = json!(next.to_string());
        }
    }
    let (list_kind, api_version) = if options.metadata_only {
        ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned())
    } else {
        (format!("{}List", kind.kind()), kind.api_version())
    };
    let bodies = found.into_iter().map(|found| view(found.body, options.metadata_only));
    let items = bodies.collect::<Result<Vec<_>, _>>()?.join(",");
    // The items are JSON already: reading them only to write them again would double the cost of a long list.
    Ok(format!(
        r#"{{"kind":{},"apiVersion":{},"metadata":{metadata},"items":[{items}]}}"#,
        json!(list_kind),
        json!(api_version)
    ))
}

/// A stored object's text as the client wants it.
pub(super) fn view(body: String, metadata_only: bool) -> Result<String, Refusal> {
    if !metadata_only {
        return Ok(body);
    }
    let object: Value = serde_json::from_str(&body)
        .map_err(|error| Refusal::internal(format!("a stored object is damaged: {error}")))?;
    Ok(partial_metadata(&object).to_string())
}

/// The objects that a selection matches, ordered by namespace and name, after a given one.
pub(super) fn select(
    sql: &Connection,
    kind: &Kind,
    namespace: Option<&str>,
    selection: &Selection,
    after: Option<(&str, &str)>,
    limit: Option<usize>,
) -> Result<Vec<Found>, Refusal> {
    let query = "SELECT namespace, name, labels, body FROM objects
        WHERE api_group = ?1 AND resource = ?2 AND namespace BETWEEN ?3 AND ?4 AND (namespace, name) > (?5, ?6)
        ORDER BY namespace, name";
    // Namespaces are ASCII, so everything sorts before the highest code point.
    let (first, last) = namespace.map_or(("", "\u{10ffff}"), |namespace| (namespace, namespace));
    let (after_namespace, after_name) = after.unwrap_or_default();
    let mut statement = sql.prepare_cached(query)?;
    let mut rows =
        statement.query(params![kind.group(), kind.plural(), first, last, after_namespace, after_name])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let key: (String, String) = (row.get(0)?, row.get(1)?);
        let labels = || read_labels(row.get_ref(2)?.as_str_or_null().map_err(rusqlite::Error::from)?);
        if selection.matches(&key.0, &key.1, labels)? {
            found.push(Found { body: row.get(3)?, key });
            if limit.is_some_and(|limit| found.len() >= limit) {
                break;
            }
        }
    }
    Ok(found)
}

/// Labels as they are stored beside an object.
pub(super) fn read_labels(text: Option<&str>) -> Result<BTreeMap<String, String>, Refusal> {
    text.map_or_else(
        || Ok(BTreeMap::new()),
        |text| {
            serde_json::from_str(text)
                .map_err(|error| Refusal::internal(format!("stored labels are damaged: {error}")))
        },
    )
}

fn count(
    sql: &Connection,
    kind: &Kind,
    namespace: Option<&str>,
    after: (&str, &str),
) -> Result<i64, Refusal> {
    let query = "SELECT count(*) FROM objects WHERE api_group = ?1 AND resource = ?2
        AND (?3 IS NULL OR namespace = ?3) AND (namespace, name) > (?4, ?5)";
    let mut statement = sql.prepare_cached(query)?;
    Ok(statement
        .query_row(params![kind.group(), kind.plural(), namespace, after.0, after.1], |row| row.get(0))?)
}

fn changed_since(sql: &Connection, kind: &Kind, revision: i64, compacted: i64) -> Result<bool, Refusal> {
    if revision < compacted {
        return Ok(true);
    }
    let query =
        "SELECT EXISTS (SELECT 1 FROM changes WHERE revision > ?1 AND api_group = ?2 AND resource = ?3)";
    let mut statement = sql.prepare_cached(query)?;
    Ok(statement.query_row(params![revision, kind.group(), kind.plural()], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continue_token_survives_its_text_form() {
        let token = Continue { revision: 7, namespace: "lab".to_owned(), name: "a.b".to_owned() };
        assert_eq!(token.to_string().parse::<Continue>().unwrap(), token);
        for nonsense in ["", "7", "x/lab/a", "7/lab"] {
            assert!(nonsense.parse::<Continue>().is_err(), "{nonsense}");
        }
    }
}
