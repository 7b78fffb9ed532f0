//! What an account is refused.

use futures::FutureExt;
use http::{Request, StatusCode};
use kube::Client;
use kube::client::Body;
use tokio::sync::watch;

/// The first request that an account had no right to.
#[derive(Debug, Clone)]
pub(crate) struct Refusals(watch::Sender<Option<String>>);

impl Refusals {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// A client that does what `client` does, and notes what is forbidden.
    pub(crate) fn through(&self, client: Client) -> Client {
        let refusals = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let (client, refusals) = (client.clone(), refusals.clone());
            async move {
                let what = format!("{} {}", request.method(), request.uri());
                let answer = client.send(request).await?;
                if answer.status() == StatusCode::FORBIDDEN {
                    refusals.0.send_if_modified(|first| first.is_none() && first.replace(what).is_none());
                }
                Ok::<_, tower::BoxError>(answer)
            }
            .boxed()
        });
        Client::new(service, "default")
    }

    /// Does something, and fails as soon as there is a refusal.
    pub(crate) async fn none_during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut first = self.0.subscribe();
        tokio::select! {
            biased;
            what = first.wait_for(Option::is_some) => {
                panic!("the chart gives no right to {}", what.unwrap().clone().unwrap())
            }
            result = work => result,
        }
    }
}
