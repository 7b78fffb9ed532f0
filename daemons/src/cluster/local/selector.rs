//! Label and field selectors: their text form, and what they match.
//!
//! Fields are `metadata.name` and `metadata.namespace`, the only ones that a custom resource has on a real server
//! unless its CRD names more.

use std::collections::{BTreeMap, BTreeSet};

use kube::core::{Expression, Selector, SelectorExt};

use super::refusal::Refusal;

/// The objects that a list, a watch or a deletion of a collection is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    labels: Option<Selector>,
    fields: Vec<FieldTerm>,
}

#[derive(Debug, Clone)]
struct FieldTerm {
    field: Field,
    equal: bool,
    value: String,
}

#[derive(Debug, Clone, Copy)]
enum Field {
    Name,
    Namespace,
}

impl Selection {
    /// Reads `labelSelector` and `fieldSelector`.
    pub(super) fn parse(labels: Option<&str>, fields: Option<&str>) -> Result<Self, Refusal> {
        let labels = labels.map(str::trim).filter(|text| !text.is_empty());
        Ok(Self {
            labels: labels.map(parse_labels).transpose()?,
            fields: fields.map(parse_fields).transpose()?.unwrap_or_default(),
        })
    }

    pub(super) fn is_everything(&self) -> bool {
        self.labels.is_none() && self.fields.is_empty()
    }

    /// `labels` is only called if labels matter.
    pub(super) fn matches<E>(
        &self,
        namespace: &str,
        name: &str,
        labels: impl FnOnce() -> Result<BTreeMap<String, String>, E>,
    ) -> Result<bool, E> {
        let by_fields = self.fields.iter().all(|term| {
            let actual = match term.field {
                Field::Name => name,
                Field::Namespace => namespace,
            };
            (actual == term.value) == term.equal
        });
        Ok(by_fields && self.labels.as_ref().map_or(Ok(true), |selector| Ok(selector.matches(&labels()?)))?)
    }
}

fn parse_labels(text: &str) -> Result<Selector, Refusal> {
    split_outside_parentheses(text)
        .map(|requirement| {
            expression(requirement.trim()).ok_or_else(|| {
                Refusal::bad_request(format!(
                    "unable to parse requirement: {:?} in {text:?}",
                    requirement.trim()
                ))
            })
        })
        .collect()
}

fn split_outside_parentheses(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.split(move |c| {
        match c {
            '(' => inside = true,
            ')' => inside = false,
            _ => {}
        }
        c == ',' && !inside
    })
}

fn expression(text: &str) -> Option<Expression> {
    if let Some(key) = text.strip_prefix('!') {
        return Some(Expression::DoesNotExist(label_key(key)?));
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Some(Expression::NotEqual(label_key(key)?, label_value(value)?));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Some(Expression::Equal(label_key(key)?, label_value(value)?));
    }
    if let Some((head, set)) = text.split_once('(') {
        let set: BTreeSet<_> =
            set.trim().strip_suffix(')')?.split(',').map(label_value).collect::<Option<_>>()?;
        let (key, operator) = head.trim().rsplit_once(char::is_whitespace)?;
        return match operator {
            "in" => Some(Expression::In(label_key(key)?, set)),
            "notin" => Some(Expression::NotIn(label_key(key)?, set)),
            _ => None,
        };
    }
    Some(Expression::Exists(label_key(text)?))
}

fn label_key(text: &str) -> Option<String> {
    let key = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    (!key.is_empty() && key.chars().all(fits)).then(|| key.to_owned())
}

fn label_value(text: &str) -> Option<String> {
    let value = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    value.chars().all(fits).then(|| value.to_owned())
}

fn parse_fields(text: &str) -> Result<Vec<FieldTerm>, Refusal> {
    text.split(',').map(str::trim).filter(|term| !term.is_empty()).map(field_term).collect()
}

fn field_term(text: &str) -> Result<FieldTerm, Refusal> {
    let (field, equal, value) = if let Some((field, value)) = text.split_once("!=") {
        (field, false, value)
    } else if let Some((field, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (field, true, value)
    } else {
        return Err(Refusal::bad_request(format!("invalid field selector: {text:?}; can't understand it")));
    };
    let field = match field.trim() {
        "metadata.name" => Field::Name,
        "metadata.namespace" => Field::Namespace,
        other => return Err(Refusal::bad_request(format!("field label not supported: {other}"))),
    };
    Ok(FieldTerm { field, equal, value: value.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Selection::parse(Some(selector), None).unwrap().matches::<()>("ns", "name", || Ok(labels)).unwrap()
    }

    #[test]
    fn every_form_of_label_requirement_is_understood() {
        let prod = [("env", "prod"), ("a.io/tier", "web")];
        for yes in [
            "",
            "env",
            "env=prod",
            "env==prod",
            "env = prod",
            "env!=dev",
            "absent!=x",
            "!absent",
            "env in (dev, prod)",
            "env notin (dev,test)",
            "absent notin (x)",
            "env in (prod),a.io/tier=web,!absent",
        ] {
            assert!(selects(yes, &prod), "{yes}");
        }
        for no in
            ["absent", "env=dev", "env!=prod", "!env", "env in (dev)", "absent in (x)", "env notin (prod)"]
        {
            assert!(!selects(no, &prod), "{no}");
        }
    }

    #[test]
    fn nonsense_is_refused_rather_than_matching_everything() {
        for nonsense in ["=", "env in prod", "env in (prod", "a b", "env like (x)", "!", ",", "env=a b"] {
            assert!(Selection::parse(Some(nonsense), None).is_err(), "{nonsense}");
        }
        for nonsense in ["metadata.name", "spec.x=1", "metadata.uid=1"] {
            assert!(Selection::parse(None, Some(nonsense)).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn field_terms_all_have_to_hold() {
        let selection =
            Selection::parse(None, Some("metadata.name=a,metadata.namespace!=kube-system")).unwrap();
        let matches = |namespace, name| selection.matches::<()>(namespace, name, || Err(())).unwrap();
        assert!(matches("default", "a"));
        assert!(!matches("default", "b"));
        assert!(!matches("kube-system", "a"));
    }
}
