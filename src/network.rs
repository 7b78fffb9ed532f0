//! Names of VM networks (NetworkAttachmentDefinitions): as written, and as meant.

use std::fmt;

/// A VM network by namespace and name: the canonical form `namespace/name` that is compared, indexed and shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkName {
    /// Namespace of the NetworkAttachmentDefinition.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Why a text names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkNameError {
    /// Nothing is left on one side of the slash, or at all.
    #[error("{0:?} names no network: write NAME or NAMESPACE/NAME")]
    Empty(String),
    /// Not a name that Kubernetes accepts.
    #[error("{0:?} is not the name of a network: use lower-case letters, digits, '-' and '.'")]
    Malformed(String),
}

impl NetworkName {
    /// Reads `name` or `namespace/name`, split at the first slash, blanks trimmed (COMPAT 1.4).
    ///
    /// Without a namespace the network is in `own_namespace`, that of the object that holds the text.
    pub fn parse(text: &str, own_namespace: &str) -> Result<Self, NetworkNameError> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (namespace.trim(), name.trim()),
            None => (own_namespace, text.trim()),
        };
        if namespace.is_empty() || name.is_empty() {
            return Err(NetworkNameError::Empty(text.to_owned()));
        }
        if !is_dns_subdomain(namespace, 63) || !is_dns_subdomain(name, 253) {
            return Err(NetworkNameError::Malformed(text.to_owned()));
        }
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Whether Kubernetes takes `text` as an object's name (RFC 1123 subdomain).
pub fn is_dns_subdomain(text: &str, longest: usize) -> bool {
    text.len() <= longest
        && text.split('.').all(|label| {
            label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_namespace_is_in_that_of_its_object() {
        assert_eq!(NetworkName::parse("net-48", "tenant").unwrap().to_string(), "tenant/net-48");
        assert_eq!(NetworkName::parse(" default / net-48 ", "tenant").unwrap().to_string(), "default/net-48");
    }

    #[test]
    fn texts_that_name_nothing_are_refused() {
        assert_eq!(NetworkName::parse("", "a"), Err(NetworkNameError::Empty(String::new())));
        assert_eq!(NetworkName::parse("/x", "a"), Err(NetworkNameError::Empty("/x".into())));
        for text in ["Net", "a/b/c", "a/-b", "net_48", "é"] {
            assert_eq!(NetworkName::parse(text, "a"), Err(NetworkNameError::Malformed(text.into())));
        }
    }
}
