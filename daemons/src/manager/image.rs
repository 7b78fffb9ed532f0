//! The image of the agents, as it is written on the command line.

/// A text that is no image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// There is no name.
    #[error("{0:?} is no image: write REPOSITORY:TAG, REPOSITORY@DIGEST or REPOSITORY")]
    NoName(String),
    /// A colon with nothing behind it.
    #[error("{0:?} has no tag behind the ':'; leave the ':' out to mean latest")]
    NoTag(String),
    /// What is behind the `@` is no digest.
    #[error("{0:?} has no digest like sha256:… behind the '@'")]
    NoDigest(String),
    /// A letter that no part of an image may have.
    #[error("{0:?} is no image: {1:?} has no place in it")]
    Letter(String, char),
}

/// Reads an image: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`. Where neither a tag nor a digest is given, `latest` is meant.
pub fn image_reference(text: &str) -> Result<String, ImageError> {
    let whole = || text.to_owned();
    if let Some(letter) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || "-._/:@+[]".contains(*c))) {
        return Err(ImageError::Letter(whole(), letter));
    }
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (text, None),
    };
    let is_digest = |digest: &str| {
        let parts = digest.split_once(':').filter(|(algorithm, _)| !algorithm.is_empty());
        parts.is_some_and(|(_, hex)| hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Err(ImageError::NoDigest(whole()));
    }
    // A colon before the last slash is that of a port.
    let last = named.rsplit('/').next().unwrap_or(named);
    let (name, tag) = match last.split_once(':') {
        Some((name, tag)) => (name, Some(tag)),
        None => (last, None),
    };
    if name.is_empty() || named.starts_with('/') || named.contains("//") {
        return Err(ImageError::NoName(whole()));
    }
    match tag {
        Some("") => Err(ImageError::NoTag(whole())),
        Some(tag) if tag.contains(':') => Err(ImageError::Letter(whole(), ':')),
        None if digest.is_none() => Ok(format!("{text}:latest")),
        Some(_) | None => Ok(whole()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn an_image_may_have_a_port_a_tag_and_a_digest() {
        let full = format!("registry.lab:5000/net/vmdhcp:v1.2@{DIGEST}");
        let pinned = format!("[fd00::1]:5000/vmdhcp@{DIGEST}");
        for (text, means) in [
            ("vmdhcp", "vmdhcp:latest"),
            ("vmdhcp:v1", "vmdhcp:v1"),
            ("registry.lab:5000/vmdhcp", "registry.lab:5000/vmdhcp:latest"),
            (&full, &full),
            (&pinned, &pinned),
        ] {
            assert_eq!(image_reference(text), Ok(means.to_owned()), "{text}");
        }
    }

    #[test]
    fn an_image_that_names_nothing_is_refused() {
        for text in [
            "",
            ":v1",
            "vmdhcp:",
            "registry.lab:5000/vmdhcp:",
            "registry.lab:5000/",
            "/vmdhcp",
            "a//b",
            "vmdhcp@sha256:12",
            "vmdhcp@",
            "vmdhcp:v1:v2",
            "vm dhcp",
        ] {
            assert!(image_reference(text).is_err(), "{text}");
        }
    }
}
