//! A VM as the network sees it: a network namespace with one card, and in it a DHCP client that is not ours (mozim).
//!
//! The namespace belongs to a thread and ends with it; whatever the client opens, it opens on that thread. A guest has
//! no disk: it remembers its lease as long as the tour lasts, which is what a rebooting VM does.

use std::net::{IpAddr, Ipv4Addr};
use std::thread;
use std::time::Duration;

use futures::TryStreamExt;
use mozim::{DhcpError, DhcpV4Client, DhcpV4Config, DhcpV4Lease, DhcpV4State};
use nix::sched::{CloneFlags, unshare};
use rtnetlink::Handle;
use rtnetlink::packet_route::address::AddressAttribute;
use tokio::sync::{mpsc, oneshot};
use vmdhcp_core::MacAddr;

use super::network::{self, CARD, LinkError};

/// Why a guest could not do what it was told to: never what a server answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum GuestError {
    /// It has no namespace, or no card.
    #[error("{guest}: {reason}")]
    NoMachine {
        /// Which guest.
        guest: String,
        /// Why.
        reason: String,
    },
    /// A link or an address could not be changed.
    #[error("{guest}: {source}")]
    Link {
        /// Which guest.
        guest: String,
        /// The step, and why it failed.
        source: LinkError,
    },
    /// The DHCP client gave up.
    #[error("the DHCP client of {guest}: {source}")]
    Client {
        /// Which guest.
        guest: String,
        /// Why.
        source: DhcpError,
    },
    /// It was told to use a lease and has none.
    #[error("{guest} has no lease")]
    NoLease {
        /// Which guest.
        guest: String,
    },
}

/// What came of a guest's attempt to get or keep an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// An address.
    Lease(Lease),
    /// A DHCPNAK.
    Refused,
    /// Nothing, in the time allowed.
    Silence,
}

/// A lease as the client understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lease {
    /// The address.
    pub address: Ipv4Addr,
    /// Option 1.
    pub subnet_mask: Ipv4Addr,
    /// Option 3.
    pub routers: Vec<Ipv4Addr>,
    /// Option 6.
    pub name_servers: Vec<Ipv4Addr>,
    /// Option 15.
    pub domain: Option<String>,
    /// Option 119.
    pub search: Vec<String>,
    /// Option 51 in seconds.
    pub seconds: u32,
    /// Option 54.
    pub server: Ipv4Addr,
}

impl From<&DhcpV4Lease> for Lease {
    fn from(lease: &DhcpV4Lease) -> Self {
        Self {
            address: lease.yiaddr,
            subnet_mask: lease.subnet_mask,
            routers: lease.gateways.clone().unwrap_or_default(),
            name_servers: lease.dns_srvs.clone().unwrap_or_default(),
            domain: lease.domain_name.clone(),
            search: lease.domain_search.clone().unwrap_or_default(),
            seconds: lease.lease_time_sec,
            server: lease.srv_id,
        }
    }
}

impl Lease {
    /// What came with the address, a line each.
    pub(super) fn options(&self) -> Vec<String> {
        let Self { address: _, subnet_mask, routers, name_servers, domain, search, seconds, server } = self;
        vec![
            format!(
                "subnet mask {subnet_mask}, router {}, name server {}",
                list(routers),
                list(name_servers)
            ),
            format!("domain {}, search {}", domain.as_deref().unwrap_or("none"), list(search)),
            format!("for {seconds} s, from server {server}"),
        ]
    }
}

/// Words with blanks between them.
pub(super) fn list<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

/// A running guest. Dropping it is pulling its plug.
pub(super) struct Guest {
    /// Its name.
    pub name: &'static str,
    /// The MAC of its card.
    pub mac: MacAddr,
    orders: mpsc::UnboundedSender<Order>,
}

/// Something a guest is told to do, and where it says what came of it.
struct Order {
    action: Action,
    patience: Duration,
    answer: oneshot::Sender<Result<Answer, GuestError>>,
}

enum Action {
    Boot,
    Reboot { wish: Option<Ipv4Addr> },
    Renew,
}

impl Guest {
    /// Starts a guest, whose cable ends as `port` in the network namespace of this process.
    pub(super) async fn start(
        name: &'static str,
        mac: MacAddr,
        port: &'static str,
    ) -> Result<Self, GuestError> {
        let (orders, received) = mpsc::unbounded_channel();
        let (started, start) = oneshot::channel();
        let failed = |reason: String| GuestError::NoMachine { guest: name.to_owned(), reason };
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || live(name, mac, port, received, started))
            .map_err(|error| failed(error.to_string()))?;
        start.await.unwrap_or_else(|_| Err(failed("it ended while it was being set up".into())))?;
        Ok(Self { name, mac, orders })
    }

    /// Boots without a memory: DISCOVER, OFFER, REQUEST, ACK.
    pub(super) async fn boot(&self, patience: Duration) -> Result<Answer, GuestError> {
        self.order(Action::Boot, patience).await
    }

    /// Boots and asks whether it may keep its address (INIT-REBOOT), or another one if that is its wish.
    pub(super) async fn reboot(
        &self,
        wish: Option<Ipv4Addr>,
        patience: Duration,
    ) -> Result<Answer, GuestError> {
        self.order(Action::Reboot { wish }, patience).await
    }

    /// Renews its lease by unicast, as at T1.
    pub(super) async fn renew(&self, patience: Duration) -> Result<Answer, GuestError> {
        self.order(Action::Renew, patience).await
    }

    async fn order(&self, action: Action, patience: Duration) -> Result<Answer, GuestError> {
        let (answer, answered) = oneshot::channel();
        let gone = || GuestError::NoMachine { guest: self.name.to_owned(), reason: "it has ended".into() };
        self.orders.send(Order { action, patience, answer }).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// The life of a guest's thread.
fn live(
    name: &'static str,
    mac: MacAddr,
    port: &'static str,
    mut orders: mpsc::UnboundedReceiver<Order>,
    started: oneshot::Sender<Result<(), GuestError>>,
) {
    let no_machine = |reason: String| GuestError::NoMachine { guest: name.to_owned(), reason };
    let runtime = unshare(CloneFlags::CLONE_NEWNET)
        .map_err(|error| no_machine(format!("no network namespace: {error}")))
        .and_then(|()| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|error| no_machine(format!("no runtime: {error}")))
        });
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(started.send(Err(error))),
    };
    runtime.block_on(async {
        let link = |source| GuestError::Link { guest: name.to_owned(), source };
        let plugged = async {
            let netlink = network::netlink()?;
            network::plug_card(&netlink, mac.octets(), port, std::process::id()).await?;
            Ok(netlink)
        };
        let netlink = match plugged.await {
            Ok(netlink) => netlink,
            Err(source) => return drop(started.send(Err(link(source)))),
        };
        let mut machine = Machine { name, netlink, lease: None };
        if started.send(Ok(())).is_err() {
            return;
        }
        while let Some(Order { action, patience, answer }) = orders.recv().await {
            let result = match action {
                Action::Boot => machine.boot(patience).await,
                Action::Reboot { wish } => machine.reboot(wish, patience).await,
                Action::Renew => machine.renew(patience).await,
            };
            // Nobody waiting for the answer means that the tour is over; the channel says so next.
            drop(answer.send(result));
        }
    });
}

/// A guest inside its namespace.
struct Machine {
    name: &'static str,
    netlink: Handle,
    lease: Option<DhcpV4Lease>,
}

impl Machine {
    async fn boot(&mut self, patience: Duration) -> Result<Answer, GuestError> {
        self.forget_address().await?;
        let mut client = self.client(None).await?;
        let bound = tokio::time::timeout(patience, until_bound(&mut client)).await;
        match bound {
            Ok(result) => self.keep(result).await,
            Err(_) => Ok(Answer::Silence),
        }
    }

    async fn reboot(&mut self, wish: Option<Ipv4Addr>, patience: Duration) -> Result<Answer, GuestError> {
        let mut remembered = self.remembered()?;
        if let Some(wish) = wish {
            remembered.yiaddr = wish;
        }
        self.forget_address().await?;
        let mut client = self.client(Some(remembered)).await?;
        // One run is one REQUEST and its answer; the client repeats it only after three seconds at the earliest.
        match tokio::time::timeout(patience, client.run()).await {
            Ok(Ok(DhcpV4State::Done(lease))) => self.keep(Ok(*lease)).await,
            Ok(Ok(_)) => Ok(Answer::Refused),
            Ok(Err(source)) => Err(self.client_error(source)),
            Err(_) => Ok(Answer::Silence),
        }
    }

    async fn renew(&mut self, patience: Duration) -> Result<Answer, GuestError> {
        let mut due = self.remembered()?;
        // Only when the client renews is ours to choose; how, and with whom, is not touched.
        due.t1_sec = 1;
        let mut client = self.client(Some(due.clone())).await?;
        client.done(due).map_err(|source| self.client_error(source))?;
        // Waits for T1, and says so by its state.
        client.run().await.map_err(|source| self.client_error(source))?;
        match tokio::time::timeout(patience, until_bound(&mut client)).await {
            Ok(result) => self.keep(result).await,
            Err(_) => Ok(Answer::Silence),
        }
    }

    async fn client(&self, lease: Option<DhcpV4Lease>) -> Result<DhcpV4Client, GuestError> {
        let mut config = DhcpV4Config::new(CARD);
        config.set_host_name(self.name);
        DhcpV4Client::init(config, lease).await.map_err(|source| self.client_error(source))
    }

    fn remembered(&self) -> Result<DhcpV4Lease, GuestError> {
        self.lease.clone().ok_or_else(|| GuestError::NoLease { guest: self.name.to_owned() })
    }

    /// Remembers a lease, and gives the card its address: renewals are sent from it.
    async fn keep(&mut self, result: Result<DhcpV4Lease, DhcpError>) -> Result<Answer, GuestError> {
        let lease = result.map_err(|source| self.client_error(source))?;
        self.forget_address().await?;
        let index = network::index_of(&self.netlink, CARD).await.map_err(|source| self.link(source))?;
        let add =
            self.netlink.address().add(index, lease.yiaddr.into(), lease.prefix_length()).execute().await;
        add.map_err(LinkError::while_doing(format!("give it {}", lease.yiaddr))).map_err(|e| self.link(e))?;
        let answer = Answer::Lease(Lease::from(&lease));
        self.lease = Some(lease);
        Ok(answer)
    }

    /// Takes every IPv4 address off the card, as a power cut does.
    async fn forget_address(&self) -> Result<(), GuestError> {
        let index = network::index_of(&self.netlink, CARD).await.map_err(|source| self.link(source))?;
        let addresses = self.netlink.address();
        let taken_off = async {
            let mut present = addresses.get().set_link_index_filter(index).execute();
            while let Some(address) = present.try_next().await? {
                let is_v4 = |attribute: &AddressAttribute| {
                    matches!(attribute, AddressAttribute::Address(IpAddr::V4(_)))
                };
                if address.attributes.iter().any(is_v4) {
                    addresses.del(address).execute().await?;
                }
            }
            Ok::<_, rtnetlink::Error>(())
        };
        taken_off.await.map_err(LinkError::while_doing("take its address off")).map_err(|e| self.link(e))
    }

    fn client_error(&self, source: DhcpError) -> GuestError {
        GuestError::Client { guest: self.name.to_owned(), source }
    }

    fn link(&self, source: LinkError) -> GuestError {
        GuestError::Link { guest: self.name.to_owned(), source }
    }
}

async fn until_bound(client: &mut DhcpV4Client) -> Result<DhcpV4Lease, DhcpError> {
    loop {
        if let DhcpV4State::Done(lease) = client.run().await? {
            return Ok(*lease);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_were_not_sent_are_said_to_be_none() {
        let lease = Lease {
            address: Ipv4Addr::new(192, 168, 48, 82),
            subnet_mask: Ipv4Addr::new(255, 255, 255, 0),
            routers: vec![],
            name_servers: vec![Ipv4Addr::new(1, 1, 1, 1), Ipv4Addr::new(9, 9, 9, 9)],
            domain: None,
            search: vec!["aibao.moe".into()],
            seconds: 300,
            server: Ipv4Addr::new(192, 168, 48, 77),
        };
        assert_eq!(
            lease.options(),
            [
                "subnet mask 255.255.255.0, router none, name server 1.1.1.1 9.9.9.9",
                "domain none, search aibao.moe",
                "for 300 s, from server 192.168.48.77",
            ]
        );
    }
}
