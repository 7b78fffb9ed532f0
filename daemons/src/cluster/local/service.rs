//! HTTP in, HTTP out: which verb on which path is which function, and how its outcome is written.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::Body;
use futures::{FutureExt, future::BoxFuture};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use rusqlite::Connection;
use serde_json::{Value, json};
use tower::Service;

use super::{
    LocalApi, create,
    delete::{self, DeleteOptions, Deletion},
    discovery,
    kinds::Kind,
    list::{self, ListOptions},
    object::{Object, partial_metadata},
    patch::{self, Patch},
    refusal::{self, Refusal},
    request::{Part, Query, Target, wants_metadata_only},
    transaction::{Key, Transaction},
    update,
    watch::{self, WatchOptions},
};

const JSON: &str = "application/json";
/// Longest body of a request, in bytes (the apiserver's bound).
const LONGEST_BODY: usize = 3 * 1024 * 1024;

impl LocalApi {
    async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: Into<tower::BoxError>,
    {
        let (parts, body) = request.into_parts();
        let query = Query::parse(parts.uri.query());
        let answer = async {
            let target = Target::parse(parts.uri.path(), self.engine.kinds())?;
            let body = read_body(body).await?;
            self.dispatch(&parts.method, &parts.headers, &query, target, &body).await
        };
        let response = answer.await.unwrap_or_else(|refusal| match refusal.text() {
            Some(text) => response(refusal.code(), "text/plain; charset=utf-8", text),
            None => json_response(refusal.code(), &refusal.body()),
        });
        tracing::trace!(method = %parts.method, uri = %parts.uri, status = response.status().as_u16(), "answered");
        response
    }

    async fn dispatch(
        &self,
        method: &Method,
        headers: &HeaderMap,
        query: &Query,
        target: Target,
        body: &[u8],
    ) -> Result<Response<Body>, Refusal> {
        let kinds = self.engine.kinds();
        let found = |value: Value| Ok(json_response(StatusCode::OK, &value));
        match target {
            Target::Collection { kind, namespace } => {
                self.on_collection(method, headers, query, kind, namespace, body).await
            }
            Target::Object { kind, namespace, name, part } => {
                let key = Key { kind, namespace: namespace.unwrap_or_default(), name };
                self.on_object(method, headers, query, key, part, body).await
            }
            _ if method != Method::GET => Err(Refusal::method_not_allowed()),
            Target::Version => found(discovery::version()),
            Target::CoreVersions => found(discovery::core_versions()),
            Target::Groups => found(discovery::groups(kinds)),
            Target::Group(group) => found(discovery::group(kinds, &group)?),
            Target::Resources { group, version } => found(discovery::resources(kinds, &group, &version)?),
        }
    }

    async fn on_collection(
        &self,
        method: &Method,
        headers: &HeaderMap,
        query: &Query,
        kind: Arc<Kind>,
        namespace: Option<String>,
        body: &[u8],
    ) -> Result<Response<Body>, Refusal> {
        let metadata_only = wants_metadata_only(headers);
        let in_one_place = namespace.is_some() || !kind.is_namespaced();
        match *method {
            Method::GET if query.flag("watch")? == Some(true) => {
                let options = WatchOptions::parse(query, metadata_only)?;
                let events = watch::watch(Arc::clone(&self.engine), kind, namespace, options);
                Ok(response(StatusCode::OK, JSON, events))
            }
            Method::GET => {
                let options = ListOptions::parse(query, metadata_only)?;
                let list = move |sql: &Connection| list::list(sql, &kind, namespace.as_deref(), &options);
                Ok(response(StatusCode::OK, JSON, self.engine.read(list).await?))
            }
            Method::POST if in_one_place => {
                let object = Object::parse(body, &kind)?;
                let key = Key { kind, namespace: namespace.unwrap_or_default(), name: String::new() };
                let create = move |tx: &Transaction<'_>| create::create(tx, &key, object);
                let created = self.engine.write(query.dry_run("CreateOptions")?, create).await?;
                Ok(object_response(StatusCode::CREATED, created, metadata_only))
            }
            Method::DELETE if in_one_place => {
                let options = DeleteOptions::parse(query, body)?;
                let selection = query.selection()?;
                let dry_run = options.dry_run;
                let of_kind = Arc::clone(&kind);
                let delete = move |tx: &Transaction<'_>| {
                    delete::delete_all(tx, &of_kind, namespace.as_deref(), &selection, &options)
                };
                let (revision, deleted) = self.engine.write(dry_run, delete).await?;
                let items: Vec<_> = deleted.into_iter().map(Object::into_value).collect();
                let list = json!({
                    "kind": format!("{}List", kind.kind()),
                    "apiVersion": kind.api_version(),
                    "metadata": { "resourceVersion": revision.to_string() },
                    "items": items,
                });
                Ok(json_response(StatusCode::OK, &list))
            }
            _ => Err(Refusal::method_not_allowed()),
        }
    }

    async fn on_object(
        &self,
        method: &Method,
        headers: &HeaderMap,
        query: &Query,
        key: Key,
        part: Part,
        body: &[u8],
    ) -> Result<Response<Body>, Refusal> {
        let metadata_only = wants_metadata_only(headers);
        match *method {
            Method::GET => {
                let version = query.version()?;
                let text = self.engine.read(move |sql: &Connection| list::get(sql, &key, version)).await?;
                Ok(response(StatusCode::OK, JSON, list::view(text, metadata_only)?))
            }
            Method::PUT => {
                let object = Object::parse(body, &key.kind)?;
                let replace = move |tx: &Transaction<'_>| update::replace(tx, &key, part, object);
                let replaced = self.engine.write(query.dry_run("UpdateOptions")?, replace).await?;
                Ok(object_response(StatusCode::OK, replaced, metadata_only))
            }
            Method::PATCH => {
                let patch = Patch::parse(&key, headers, query, body)?;
                let patch = move |tx: &Transaction<'_>| patch::patch(tx, &key, part, patch);
                let (code, patched) = self.engine.write(query.dry_run("PatchOptions")?, patch).await?;
                Ok(object_response(code, patched, metadata_only))
            }
            Method::DELETE if part == Part::Main => {
                let options = DeleteOptions::parse(query, body)?;
                let deleted = key.clone();
                let dry_run = options.dry_run;
                let delete = move |tx: &Transaction<'_>| delete::delete(tx, &deleted, &options);
                match self.engine.write(dry_run, delete).await? {
                    Deletion::Gone(object) => {
                        let status = refusal::deleted(&key.kind, &key.name, object.uid());
                        Ok(json_response(StatusCode::OK, &status))
                    }
                    Deletion::Waiting(object) => Ok(object_response(StatusCode::OK, object, metadata_only)),
                }
            }
            _ => Err(Refusal::method_not_allowed()),
        }
    }
}

async fn read_body<B>(body: B) -> Result<Vec<u8>, Refusal>
where
    B: http_body::Body + Send,
    B::Data: Send,
    B::Error: Into<tower::BoxError>,
{
    match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::too_large(LONGEST_BODY)),
        Err(error) => Err(Refusal::bad_request(format!("the body of the request cannot be read: {error}"))),
    }
}

fn object_response(code: StatusCode, object: Object, metadata_only: bool) -> Response<Body> {
    let value = if metadata_only { partial_metadata(object.value()) } else { object.into_value() };
    json_response(code, &value)
}

fn json_response(code: StatusCode, value: &Value) -> Response<Body> {
    response(code, JSON, value.to_string())
}

fn response(code: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

impl<B> Service<Request<B>> for LocalApi
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<tower::BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let api = self.clone();
        async move { Ok(api.answer(request).await) }.boxed()
    }
}
