//! What the API refuses, in the apiserver's own words: `Status` bodies with its codes, reasons and details.
//!
//! Clients act on `reason` and `code`, people read `message`; all three are those of `k8s.io/apimachinery`'s
//! `errors` package, so that a program which handles a real server's refusals handles these.

use std::path::Path;

use http::StatusCode;
use kube::core::response::{Status, StatusCause, StatusDetails, reason};
use serde_json::{Value, json};
use vmdhcp_core::admission;

use super::{kinds::Kind, storage_fault::StorageFault};

/// The reason of the cause in the details of a refusal because this user may only read the file.
pub const READ_ONLY_FILE: &str = "ReadOnlyFile";

/// A request that was not carried out, and why.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    status: Box<Status>,
    /// Set where the fault is the database's.
    fault: Option<StorageFault>,
}

/// The reason, and the body, of what no part of the server feels responsible for: a Go server's own words.
const PAGE_NOT_FOUND: &str = "404 page not found";

/// One field that is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// `FieldValueInvalid`, `FieldValueRequired`, …
    pub(super) reason: &'static str,
    pub(super) field: String,
    pub(super) message: String,
}

impl Cause {
    pub(super) fn invalid(field: impl Into<String>, value: &str, message: &str) -> Self {
        let message = format!("Invalid value: {value:?}: {message}");
        Self { reason: "FieldValueInvalid", field: field.into(), message }
    }

    pub(super) fn not_supported(field: impl Into<String>, value: &str, supported: &[&str]) -> Self {
        let supported: Vec<_> = supported.iter().map(|value| format!("{value:?}")).collect();
        let message = format!("Unsupported value: {value:?}: supported values: {}", supported.join(", "));
        Self { reason: "FieldValueNotSupported", field: field.into(), message }
    }

    pub(super) fn required(field: impl Into<String>, message: &str) -> Self {
        let message = format!("Required value: {message}");
        Self { reason: "FieldValueRequired", field: field.into(), message }
    }

    pub(super) fn forbidden(field: impl Into<String>, message: &str) -> Self {
        let message = format!("Forbidden: {message}");
        Self { reason: "FieldValueForbidden", field: field.into(), message }
    }
}

impl Refusal {
    fn new(code: StatusCode, reason: &str, message: impl Into<String>) -> Self {
        Self::of(Status::failure(&message.into(), reason).with_code(code.as_u16()))
    }

    fn of(status: Status) -> Self {
        Self { status: Box::new(status), fault: None }
    }

    fn about(mut self, kind: &Kind, named_as: &str, name: &str) -> Self {
        self.status.details = Some(details(kind.group(), named_as, name));
        self
    }

    /// 404: no such object.
    pub(super) fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} not found", kind.qualified_resource());
        Self::new(StatusCode::NOT_FOUND, reason::NOT_FOUND, message).about(kind, kind.plural(), name)
    }

    /// 404: no such group, or no such version or resource of a group of custom resources. It has no `Status` body.
    pub(super) fn page_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, PAGE_NOT_FOUND, PAGE_NOT_FOUND)
    }

    /// 404: no such version, resource or subresource of a group that is built in.
    pub(super) fn unknown_path() -> Self {
        let mut refusal = Self::new(
            StatusCode::NOT_FOUND,
            reason::NOT_FOUND,
            "the server could not find the requested resource",
        );
        refusal.status.details = Some(details("", "", ""));
        refusal
    }

    /// 409: an object of that name is there.
    pub(super) fn already_exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", kind.qualified_resource());
        Self::new(StatusCode::CONFLICT, reason::ALREADY_EXISTS, message).about(kind, kind.plural(), name)
    }

    /// 409: the write was decided on a state that is past.
    pub(super) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.qualified_resource());
        Self::new(StatusCode::CONFLICT, reason::CONFLICT, message).about(kind, kind.plural(), name)
    }

    /// 409: the usual one, a stale `resourceVersion`.
    pub(super) fn stale(kind: &Kind, name: &str) -> Self {
        Self::conflict(
            kind,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 422: fields of the object are wrong.
    pub(super) fn invalid(kind: &Kind, name: &str, causes: Vec<Cause>) -> Self {
        Self::invalid_as(&kind.qualified_kind(), kind.group(), kind.kind(), name, causes)
    }

    /// 422: the object is of another kind than the path.
    pub(super) fn another_kind(kind: &Kind, found: &str, name: &str) -> Self {
        let cause = Cause::invalid("kind", found, &format!("must be {}", kind.kind()));
        Self::invalid_as(&format!("{found}.{}", kind.group()), kind.group(), found, name, vec![cause])
    }

    /// 422: options of the request contradict each other.
    pub(super) fn invalid_options(options: &str, cause: Cause) -> Self {
        Self::invalid_as(&format!("{options}.meta.k8s.io"), "meta.k8s.io", options, "", vec![cause])
    }

    fn invalid_as(qualified: &str, group: &str, kind: &str, name: &str, causes: Vec<Cause>) -> Self {
        let sentences: Vec<_> = causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        let list = match sentences.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{qualified} {name:?} is invalid: {list}");
        let mut refusal = Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason::INVALID, message);
        let mut about = details(group, kind, name);
        about.causes = causes
            .into_iter()
            .map(|c| StatusCause { reason: c.reason.to_owned(), message: c.message, field: c.field })
            .collect();
        refusal.status.details = Some(about);
        refusal
    }

    /// 422: a JSON patch that does not fit the object, or whose `test` failed.
    pub(super) fn patch_does_not_apply(why: &str) -> Self {
        let message = format!("the server rejected our request due to an error in our request: {why}");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, reason::INVALID, message)
    }

    /// 403, 409 or 422: the kind's rules do not let it pass.
    pub(super) fn denied(kind: &Kind, name: &str, denied: admission::Refusal) -> Self {
        let message = denied.to_string();
        let mut status = Status::failure(&message, denied.kind.reason()).with_code(denied.kind.code());
        let mut about = details(kind.group(), kind.kind(), name);
        let cause = |cause: admission::Cause| StatusCause {
            reason: "FieldValueInvalid".to_owned(),
            message: cause.message,
            field: cause.field,
        };
        about.causes = denied.causes.into_iter().map(cause).collect();
        status.details = Some(about);
        Self::of(status)
    }

    /// 400: the request cannot be understood.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason::BAD_REQUEST, message)
    }

    /// 405: that verb does not exist there.
    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            reason::METHOD_NOT_ALLOWED,
            "the server does not allow this method on the requested resource",
        )
    }

    /// 410: the version asked for is no longer in the change log; list again.
    pub(super) fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, reason::EXPIRED, message)
    }

    /// 413: the body is longer than `limit` bytes.
    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("Request entity too large: limit is {limit}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, reason::REQUEST_ENTITY_TOO_LARGE, message)
    }

    /// 415: a patch type that is not served.
    pub(super) fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason::UNSUPPORTED_MEDIA_TYPE, message)
    }

    /// 504: the version asked for has not happened yet.
    pub(super) fn version_too_large(asked: i64, current: i64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let mut refusal = Self::new(StatusCode::GATEWAY_TIMEOUT, reason::TIMEOUT, message);
        let mut about = details("", "", "");
        about.retry_after_seconds = 1;
        about.causes = vec![StatusCause {
            reason: "ResourceVersionTooLarge".to_owned(),
            message: "Too large resource version".to_owned(),
            field: String::new(),
        }];
        refusal.status.details = Some(about);
        refusal
    }

    /// 403, 500, 503 or 507: the database does not do it. `file` is where it is.
    pub(super) fn storage(fault: StorageFault, file: Option<&Path>) -> Self {
        let mut refusal = Self::new(fault.code(), fault.reason(), fault.message(file));
        let mut about = details("", "", "");
        about.retry_after_seconds = fault.retry_after_seconds();
        if matches!(fault, StorageFault::ReadOnly) {
            let cause = StatusCause {
                reason: READ_ONLY_FILE.to_owned(),
                message: String::new(),
                field: String::new(),
            };
            about.causes = vec![cause];
        }
        refusal.status.details = Some(about);
        refusal.fault = Some(fault);
        refusal
    }

    /// The same, with the name of the file where the fault is the database's.
    pub(super) fn in_file(self, file: Option<&Path>) -> Self {
        match (self.fault, file) {
            (Some(fault), Some(file)) => Self::storage(fault, Some(file)),
            (fault, _) => Self { fault, ..self },
        }
    }

    /// 500: the object is larger than etcd would take, in its words.
    pub(super) fn object_too_large() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "", "etcdserver: request is too large")
    }

    /// 500: the fault is here, not with the request.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        let message = format!("Internal error occurred: {}", message.into());
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, reason::INTERNAL_ERROR, message)
    }

    pub(super) fn code(&self) -> StatusCode {
        StatusCode::from_u16(self.status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(super) fn message(&self) -> &str {
        &self.status.message
    }

    /// The body where it is plain text.
    pub(super) fn text(&self) -> Option<String> {
        (self.status.reason == PAGE_NOT_FOUND).then(|| format!("{PAGE_NOT_FOUND}\n"))
    }

    /// The body, as the apiserver writes it.
    pub(super) fn body(&self) -> Value {
        with_type(serde_json::to_value(&*self.status).unwrap_or_default())
    }
}

/// The body that answers a deletion which left nothing behind.
pub(super) fn deleted(kind: &Kind, name: &str, uid: &str) -> Value {
    let mut status = Status::success();
    let mut about = details(kind.group(), kind.plural(), name);
    uid.clone_into(&mut about.uid);
    status.details = Some(about);
    with_type(serde_json::to_value(&status).unwrap_or_default())
}

fn with_type(mut status: Value) -> Value {
    status["kind"] = json!("Status");
    status["apiVersion"] = json!("v1");
    status["metadata"] = json!({});
    status
}

fn details(group: &str, kind: &str, name: &str) -> StatusDetails {
    StatusDetails {
        name: name.to_owned(),
        group: group.to_owned(),
        kind: kind.to_owned(),
        uid: String::new(),
        causes: Vec::new(),
        retry_after_seconds: 0,
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::storage(error.into(), None)
    }
}
