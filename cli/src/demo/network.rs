//! The VM network of the tour: a bridge, and a port of it for each VM.
//!
//! Links are made by rtnetlink in the network namespace of the calling thread.

use std::time::Duration;

use futures::TryStreamExt;
use rtnetlink::packet_route::link::{LinkAttribute, LinkMessage, State};
use rtnetlink::{Handle, LinkBridge, LinkUnspec, LinkVeth};

/// The bridge that stands for the VM network `net-48`.
pub(super) const BRIDGE: &str = "br48";
/// What a VM calls its network card.
pub(super) const CARD: &str = "eth0";

/// How long a link has to come up.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked at.
const PAUSE: Duration = Duration::from_millis(10);

/// A step that the kernel refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}: {reason}")]
pub(super) struct LinkError {
    /// The step.
    doing: String,
    /// The kernel's answer.
    reason: String,
}

impl LinkError {
    /// Says at which step an error came up: `.map_err(LinkError::while_doing("add the bridge"))`.
    pub(super) fn while_doing<E: std::fmt::Display>(doing: impl Into<String>) -> impl FnOnce(E) -> Self {
        let doing = doing.into();
        move |error| Self { doing, reason: error.to_string() }
    }
}

/// Rtnetlink of the calling thread's network namespace; to be called in a runtime of that thread alone.
pub(super) fn netlink() -> Result<Handle, LinkError> {
    let (connection, handle, _) =
        rtnetlink::new_connection().map_err(LinkError::while_doing("speak to the kernel about links"))?;
    tokio::spawn(connection);
    Ok(handle)
}

/// Adds the bridge, and puts it and the loopback up.
pub(super) async fn build_bridge(netlink: &Handle) -> Result<(), LinkError> {
    let links = netlink.link();
    links
        .add(LinkBridge::new(BRIDGE).up().build())
        .execute()
        .await
        .map_err(LinkError::while_doing("add the bridge"))?;
    put_up(netlink, "lo").await
}

/// Connects the near end of a VM's cable to the bridge.
pub(super) async fn connect_port(netlink: &Handle, port: &str) -> Result<(), LinkError> {
    let bridge = index_of(netlink, BRIDGE).await?;
    let change = LinkUnspec::new_with_name(port).controller(bridge).up().build();
    netlink.link().set(change).execute().await.map_err(LinkError::while_doing(format!("connect port {port}")))
}

/// Waits until the bridge forwards from and to a port: the kernel takes up to a second to notice that its cable is
/// connected at both ends.
pub(super) async fn forwards(netlink: &Handle, port: &str) -> Result<(), LinkError> {
    let is_up = |attribute: &LinkAttribute| matches!(attribute, LinkAttribute::OperState(State::Up));
    let up = async {
        while !find(netlink, port).await?.attributes.iter().any(is_up) {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    };
    let late = || LinkError { doing: format!("connect port {port}"), reason: "it stays down".to_owned() };
    tokio::time::timeout(PATIENCE, up).await.unwrap_or_else(|_| Err(late()))
}

/// Gives this namespace a network card with this MAC, whose cable ends as `port` in the namespace of process `outside`.
pub(super) async fn plug_card(
    netlink: &Handle,
    mac: [u8; 6],
    port: &str,
    outside: u32,
) -> Result<(), LinkError> {
    let links = netlink.link();
    let doing = |step: &str| LinkError::while_doing(format!("{step} port {port}"));
    links.add(LinkVeth::new(CARD, port).build()).execute().await.map_err(doing("add"))?;
    let away = LinkUnspec::new_with_name(port).setns_by_pid(outside).build();
    links.set(away).execute().await.map_err(doing("hand over"))?;
    let card = LinkUnspec::new_with_name(CARD).address(mac.to_vec()).up().build();
    links.set(card).execute().await.map_err(doing("put up the card at"))
}

/// Puts a link up.
pub(super) async fn put_up(netlink: &Handle, name: &str) -> Result<(), LinkError> {
    let up = LinkUnspec::new_with_name(name).up().build();
    netlink.link().set(up).execute().await.map_err(LinkError::while_doing(format!("put {name} up")))
}

/// The kernel's number of a link.
pub(super) async fn index_of(netlink: &Handle, name: &str) -> Result<u32, LinkError> {
    Ok(find(netlink, name).await?.header.index)
}

async fn find(netlink: &Handle, name: &str) -> Result<LinkMessage, LinkError> {
    let mut found = netlink.link().get().match_name(name.to_owned()).execute();
    let link = found.try_next().await.map_err(LinkError::while_doing(format!("find {name}")))?;
    link.ok_or_else(|| LinkError {
        doing: format!("find {name}"),
        reason: "there is no such link".to_owned(),
    })
}
