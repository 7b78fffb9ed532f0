//! Watches that fill stores, and what they tell.

use std::fmt::Debug;

use futures::future::Shared;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use kube::api::Api;
use kube::runtime::reflector::{Lookup, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

/// Whether the first list of a kind is complete. Any number may wait for it, and wake in the order in which they came:
/// a run on virtual time has to replay.
#[derive(Clone)]
pub(super) struct FirstList {
    pub(super) kind: &'static str,
    pub(super) complete: Shared<oneshot::Receiver<()>>,
}

/// A first list, and what has to be shown each event of the watch once it is in the store.
pub(super) fn first_list<K>(
    kind: &'static str,
) -> (FirstList, impl FnMut(&watcher::Event<K>) + Send + 'static) {
    let (completed, complete) = oneshot::channel();
    let mut completed = Some(completed);
    let note = move |event: &watcher::Event<K>| {
        if matches!(event, watcher::Event::InitDone)
            && let Some(completed) = completed.take()
        {
            // An error says that nobody waits any more.
            let _ = completed.send(());
        }
    };
    (FirstList { kind, complete: complete.shared() }, note)
}

/// A kind that is watched.
pub(super) struct Watched<K: Lookup<DynamicType = ()> + 'static> {
    pub(super) store: Store<K>,
    pub(super) first_list: FirstList,
    /// What happens, once it is in the store.
    pub(super) events: BoxStream<'static, watcher::Result<watcher::Event<K>>>,
}

/// Watches a kind.
pub(super) fn watched<K>(api: Api<K>, config: watcher::Config, kind: &'static str) -> Watched<K>
where
    K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    kept(watcher(api, config).default_backoff(), kind, |_| {})
}

/// Watches a kind of others, of whose objects much is not read: `trim` drops that before they are kept.
pub(super) fn trimmed<K>(
    api: Api<K>,
    config: watcher::Config,
    kind: &'static str,
    trim: impl FnMut(&mut K) + Send + 'static,
) -> Watched<K>
where
    K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    kept(watcher(api, config).default_backoff().modify(trim), kind, |_| {})
}

/// A watch whose objects are kept, and whose events are shown to `note` before anybody can act on them.
pub(super) fn kept<K>(
    events: impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send + 'static,
    kind: &'static str,
    mut note: impl FnMut(&watcher::Event<K>) + Send + 'static,
) -> Watched<K>
where
    K: kube::Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
{
    let (store, writer) = reflector::store();
    let (first_list, mut note_first) = first_list(kind);
    let events = events.reflect(writer).inspect_ok(move |event| {
        note(event);
        note_first(event);
    });
    Watched { store, first_list, events: events.boxed() }
}

/// A kind that is not served: there is nothing of it, and nothing happens to it.
pub(super) fn unserved<K>(kind: &'static str) -> Watched<K>
where
    K: Lookup<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    let (store, _) = reflector::store();
    let (first_list, mut note) = first_list::<K>(kind);
    note(&watcher::Event::InitDone);
    Watched { store, first_list, events: stream::pending().boxed() }
}

/// The objects that events concern, deleted ones among them, and those of a list only when all of it is in the store:
/// whoever looks there for an object sooner finds the one of before.
pub(super) fn touched<K, S>(events: S) -> impl Stream<Item = watcher::Result<K>>
where
    S: Stream<Item = watcher::Result<watcher::Event<K>>>,
{
    let mut listed = Vec::new();
    events.flat_map(move |event: watcher::Result<watcher::Event<K>>| {
        let objects = match event {
            Err(error) => return stream::iter(vec![Err(error)]),
            Ok(watcher::Event::Init) => {
                listed.clear();
                Vec::new()
            }
            Ok(watcher::Event::InitApply(object)) => {
                listed.push(object);
                Vec::new()
            }
            Ok(watcher::Event::InitDone) => std::mem::take(&mut listed),
            Ok(watcher::Event::Apply(object) | watcher::Event::Delete(object)) => vec![object],
        };
        stream::iter(objects.into_iter().map(Ok).collect::<Vec<_>>())
    })
}

/// Which objects a watch and others say have to be looked at.
pub(super) fn named<K>(
    touched: impl Stream<Item = watcher::Result<K>> + Send + 'static,
    changed: impl Stream<Item = ObjectRef<K>> + Send + 'static,
) -> impl Stream<Item = ObjectRef<K>> + Send + 'static
where
    K: Lookup<DynamicType = ()> + Send + 'static,
{
    // A watch that fails begins anew by itself.
    let touched = touched.filter_map(async |object| Some(ObjectRef::from_obj(&object.ok()?)));
    stream::select(touched, changed)
}
