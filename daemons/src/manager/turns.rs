//! First come, first served, of kinds of which there are thousands of objects.
//!
//! kube's controller takes what is due from a set, in no order: in a burst of VMs it would do the one that has bad luck
//! last, long after others that came later. So it is given no more objects than it works on at once, and the rest wait here.

use std::collections::{HashSet, VecDeque};
use std::fmt::Debug;
use std::future::{self, Ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use futures::{Stream, StreamExt, stream};
use kube::Resource;
use kube::core::DynamicObject;
use kube::runtime::controller::{self, Controller};
use kube::runtime::reflector::{Lookup, ObjectRef, Store};
use prometheus_client::metrics::gauge::Gauge;
use serde::de::DeserializeOwned;

/// Room that is kept for those who wait.
const FEW: usize = 64;

/// The objects of a kind that wait for a controller, and those that it works on.
pub(super) struct Turns<K: Lookup<DynamicType = ()> + 'static> {
    queue: Arc<Mutex<Queue<K>>>,
}

struct Queue<K: Lookup<DynamicType = ()> + 'static> {
    at_once: u16,
    order: VecDeque<ObjectRef<K>>,
    /// The same, to find whether an object is among them.
    waiting: HashSet<ObjectRef<K>>,
    at_work: HashSet<ObjectRef<DynamicObject>>,
    /// Who waits for a turn to end.
    waker: Option<Waker>,
    /// Where it is shown how many wait.
    depth: Gauge,
}

impl<K: Lookup<DynamicType = ()> + Clone + 'static> Turns<K> {
    /// So many objects are worked on at once; how many wait is shown in `depth`.
    pub(super) fn new(at_once: u16, depth: Gauge) -> Self {
        let queue = Queue {
            at_once,
            order: VecDeque::new(),
            waiting: HashSet::new(),
            at_work: HashSet::new(),
            waker: None,
            depth,
        };
        Self { queue: Arc::new(Mutex::new(queue)) }
    }

    /// A controller that is given these objects in turn; it has to say what came of each ([`Self::end`]).
    pub(super) fn controller(
        &self,
        objects: impl Stream<Item = ObjectRef<K>> + Send + 'static,
        store: Store<K>,
    ) -> Controller<K>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned + Debug + Send + Sync,
    {
        let at_once = lock(&self.queue).at_once;
        // What fails comes back by itself, and is not to be done beside all others.
        let config = controller::Config::default().concurrency(at_once);
        let controller = Controller::for_stream(stream::pending(), store).with_config(config);
        controller.reconcile_on(self.in_order(objects))
    }

    /// The same objects in the order in which they came, each when its turn has come. One that waits already is not put
    /// down again; one that is worked on is, since it was looked at before this.
    fn in_order(
        &self,
        objects: impl Stream<Item = ObjectRef<K>> + Send + 'static,
    ) -> impl Stream<Item = ObjectRef<K>> + Send + 'static
    where
        ObjectRef<K>: Send,
    {
        let queue = Arc::clone(&self.queue);
        let mut objects = objects.boxed().fuse();
        stream::poll_fn(move |context| {
            let mut queue = lock(&queue);
            let mut has_ended = false;
            loop {
                match objects.poll_next_unpin(context) {
                    Poll::Ready(Some(object)) => queue.put(object),
                    Poll::Ready(None) => break has_ended = true,
                    Poll::Pending => break,
                }
            }
            match queue.next() {
                Some(object) => Poll::Ready(Some(object)),
                None if has_ended && queue.order.is_empty() => Poll::Ready(None),
                None => {
                    queue.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    }

    /// Notes that the controller is done with an object, whatever came of it.
    pub(super) fn end<A, E, Q>(
        &self,
        outcome: Result<(ObjectRef<K>, A), controller::Error<E, Q>>,
    ) -> Ready<()> {
        let object = match outcome {
            Ok((object, _)) => object.erase(),
            Err(
                controller::Error::ObjectNotFound(object) | controller::Error::ReconcilerFailed(_, object),
            ) => *object,
            Err(controller::Error::QueueError(_) | controller::Error::RunnerError(_)) => {
                return future::ready(());
            }
        };
        let mut queue = lock(&self.queue);
        queue.at_work.remove(&object);
        if let Some(waker) = queue.waker.take() {
            waker.wake();
        }
        future::ready(())
    }
}

impl<K: Lookup<DynamicType = ()> + Clone + 'static> Queue<K> {
    fn put(&mut self, object: ObjectRef<K>) {
        if self.waiting.insert(object.clone()) {
            self.order.push_back(object);
            self.depth.inc();
        }
    }

    fn next(&mut self) -> Option<ObjectRef<K>> {
        if self.at_work.len() >= self.at_once.into() {
            return None;
        }
        let object = self.order.pop_front()?;
        self.waiting.remove(&object);
        self.depth.dec();
        if self.order.is_empty() {
            // What a burst took.
            self.order.shrink_to(FEW);
            self.waiting.shrink_to(FEW);
        }
        self.at_work.insert(object.clone().erase());
        Some(object)
    }
}

fn lock<K: Lookup<DynamicType = ()> + 'static>(queue: &Mutex<Queue<K>>) -> MutexGuard<'_, Queue<K>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::{FutureExt, channel::mpsc};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::runtime::controller::Error;

    use super::*;

    type Object = ObjectRef<ConfigMap>;
    type Outcome = Result<(Object, ()), Error<Infallible, Infallible>>;

    fn object(name: &str) -> Object {
        Object::new(name).within("default")
    }

    /// Those whose turn it is now.
    fn next(objects: &mut (impl Stream<Item = Object> + Unpin)) -> Vec<String> {
        std::iter::from_fn(|| objects.next().now_or_never().flatten()).map(|object| object.name).collect()
    }

    fn end(turns: &Turns<ConfigMap>, name: &str) {
        let outcome: Outcome = Ok((object(name), ()));
        turns.end(outcome).now_or_never();
    }

    #[test]
    fn objects_are_worked_on_in_the_order_in_which_they_came_so_many_at_once() {
        let depth = Gauge::default();
        let turns = Turns::new(2, depth.clone());
        let (sender, receiver) = mpsc::unbounded();
        let mut objects = turns.in_order(receiver);
        // "a" waits already when it comes again.
        for name in ["d", "c", "a", "b", "a"] {
            sender.unbounded_send(object(name)).unwrap();
        }
        assert_eq!(next(&mut objects), ["d", "c"]);
        assert_eq!(depth.get(), 2);
        end(&turns, "c");
        assert_eq!(next(&mut objects), ["a"]);
        // It is being worked on, so it has to be looked at again; behind those that were there.
        sender.unbounded_send(object("a")).unwrap();
        assert_eq!(next(&mut objects), [""; 0]);
        let is_gone: Outcome = Err(Error::ObjectNotFound(Box::new(object("d").erase())));
        turns.end(is_gone).now_or_never();
        assert_eq!(next(&mut objects), ["b"]);
        // Done twice, as when an error had it tried again by itself.
        end(&turns, "d");
        end(&turns, "b");
        assert_eq!(next(&mut objects), ["a"]);
        assert_eq!(depth.get(), 0);
        drop(sender);
        assert_eq!(objects.next().now_or_never(), Some(None));
    }

    #[tokio::test]
    async fn whoever_waits_for_a_turn_is_woken_when_one_ends() {
        let turns = Turns::new(1, Gauge::default());
        let objects = stream::iter([object("a"), object("b")]).chain(stream::pending());
        let mut objects = turns.in_order(objects);
        assert_eq!(objects.next().await, Some(object("a")));
        let (second, ()) = futures::join!(objects.next(), async { end(&turns, "a") });
        assert_eq!(second, Some(object("b")));
    }
}
