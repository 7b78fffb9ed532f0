//! What the manager asks an API to write.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use http::{Method, Request};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use tokio::time::Instant;

use crate::fixtures::NAMESPACE;

/// A request that may change something.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) at: Instant,
    /// Of what, for instance `ippools` or `ippools/status`.
    pub(crate) resource: String,
    pub(crate) bytes: usize,
}

/// All writes that went through a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<Write>>>);

impl Written {
    /// A client that does what `client` does, and notes the writes.
    pub(crate) fn through(&self, client: Client) -> Client {
        let written = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let (client, written) = (client.clone(), written.clone());
            async move {
                if request.method() == Method::GET {
                    return client.send(request).await;
                }
                let (parts, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                // …/namespaces/NAMESPACE/RESOURCE/NAME/status
                let mut path = parts.uri.path().split('/').skip_while(|part| *part != "namespaces").skip(2);
                let mut resource = path.next().unwrap_or_default().to_owned();
                resource.extend(path.nth(1).map(|part| format!("/{part}")));
                written.0.lock().unwrap().push(Write { at: Instant::now(), resource, bytes: body.len() });
                client.send(Request::from_parts(parts, Body::from(body))).await
            }
            .boxed()
        });
        Client::new(service, NAMESPACE)
    }

    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Those of one resource.
    pub(crate) fn of(&self, resource: &str) -> Vec<Write> {
        self.0.lock().unwrap().iter().filter(|write| write.resource == resource).cloned().collect()
    }

    /// Fails if, within any stretch of time, more bytes of pools' statuses were written than `burst` and what the time has earned.
    #[track_caller]
    pub(crate) fn assert_within_budget(&self, burst: u32, sustained: u32) {
        let writes = self.of("ippools/status");
        for (first, Write { at: start, .. }) in writes.iter().enumerate() {
            let mut bytes = 0.0;
            for write in &writes[first..] {
                bytes += f64::from(u32::try_from(write.bytes).unwrap());
                let time = write.at.duration_since(*start);
                // Timers are rounded to milliseconds.
                let earned = (time.as_secs_f64() + 0.002) * f64::from(sustained);
                assert!(bytes <= f64::from(burst) + earned, "{bytes} bytes within {time:?}");
            }
        }
    }
}
