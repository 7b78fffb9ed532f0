//! The tour: what is done, in which order, and what must come of it.
//!
//! Nothing here prints; it tells [`Event`]s. Nothing waits for a fixed time but the proof of a silence.

use std::fs;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::time::Duration;

use rtnetlink::Handle;
use tokio::time::Instant;
use vmdhcp_core::MacAddr;
use vmdhcp_core::mac::MacError;

use super::declared::{self, POOL};
use super::event::{Check, Event, Narrator};
use super::guest::{self, Answer, Guest, GuestError, Lease};
use super::network::{self, BRIDGE, LinkError};
use super::sandbox;
use super::server::{Server, ServerError};
use super::shell::{API_FILE, Shell, ShellError};

/// The ports of the bridge.
const PORTS: [&str; 3] = ["port1", "port2", "port3"];
/// A name server that the pool is changed to.
const NEW_NAME_SERVER: Ipv4Addr = Ipv4Addr::new(9, 9, 9, 9);
/// An address of the subnet that nobody is given.
const WRONG_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 48, 200);

/// How long a client has for an answer. The client repeats itself in less.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing must come for it to be a silence; the client asks within the first 0.2 s.
const SILENCE: Duration = Duration::from_secs(2);
/// How long a single REQUEST has for its NAK.
const REFUSAL: Duration = Duration::from_millis(500);
/// How long the whole may take.
const LIMIT: Duration = Duration::from_secs(90);

/// Why the tour cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum TourError {
    /// Nobody listens any more.
    #[error("nobody listens any more: {0}")]
    Told(io::Error),
    /// A file could not be written.
    #[error("cannot write {file}: {source}")]
    File {
        /// Which.
        file: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The network could not be built.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A VM does not do what it is told to.
    #[error(transparent)]
    Guest(#[from] GuestError),
    /// A command failed.
    #[error(transparent)]
    Shell(#[from] ShellError),
    /// The server does not run.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A MAC of the tour is none.
    #[error(transparent)]
    Mac(#[from] MacError),
    /// A VM has no address where everything after rests on one.
    #[error("{guest} got no address; the rest of the tour needs one")]
    NoAddress {
        /// Which VM.
        guest: &'static str,
    },
    /// It takes too long.
    #[error("the tour was not over after {} s", LIMIT.as_secs())]
    TimedOut,
}

/// Gives the whole tour in this process's namespaces.
pub(super) async fn give<W: Write>(narrator: Narrator<W>) -> io::Result<()> {
    let shell = Shell { folder: sandbox::folder() };
    let mut tour = Tour { narrator, shell, server: None };
    let result = tokio::time::timeout(LIMIT, tour.chapters()).await.unwrap_or(Err(TourError::TimedOut));
    let last = match result {
        Ok(()) => Event::Finished,
        Err(error) => {
            Event::Stopped { reason: error.to_string(), log: super::server::last_words(&tour.shell) }
        }
    };
    tour.narrator.tell(&last)
}

struct Tour<W> {
    narrator: Narrator<W>,
    shell: Shell,
    server: Option<Server>,
}

/// The machines on the network.
struct Guests {
    test_vm: Guest,
    second_vm: Guest,
    stranger: Guest,
}

/// A promise under test, and when the test began.
struct Test {
    promise: String,
    began: Instant,
}

impl<W: Write> Tour<W> {
    async fn chapters(&mut self) -> Result<(), TourError> {
        let guests = self.build_the_network().await?;
        self.declare_and_serve().await?;
        let (first, second) = self.boot_the_vms(&guests).await?;
        self.kill_the_server(&guests, &first, &second).await?;
        self.change_an_option(&guests, &first).await?;
        self.delete_and_restore(&guests, &first).await
    }

    async fn build_the_network(&mut self) -> Result<Guests, TourError> {
        self.chapter(
            "A VM network, and machines on it",
            "A bridge stands for the VM network net-48. On it are two VMs that will be declared, and a stranger\n\
             that will not be. Each is a network namespace with a DHCP client of another project (mozim).",
        )?;
        let test = self.test("bridge and ports are there")?;
        let netlink = network::netlink()?;
        network::build_bridge(&netlink).await?;
        let [port_1, port_2, port_3] = PORTS;
        let guests = Guests {
            test_vm: plug(&netlink, "test-vm", 0xfc, port_1).await?,
            second_vm: plug(&netlink, "second-vm", 0xfd, port_2).await?,
            stranger: plug(&netlink, "stranger", 0xff, port_3).await?,
        };
        for port in PORTS {
            network::forwards(&netlink, port).await?;
        }
        let Guests { test_vm, second_vm, stranger } = &guests;
        let machines = [test_vm, second_vm, stranger].map(|guest| format!("{} {}", guest.mac, guest.name));
        self.kept_in_detail(test, true, format!("{BRIDGE}, {} ports", PORTS.len()), machines.into())?;
        Ok(guests)
    }

    async fn declare_and_serve(&mut self) -> Result<(), TourError> {
        self.chapter(
            "Declare what should be, and serve it",
            "The API is the one of Kubernetes. Here, without a cluster, it is a file, and\n\
             one process serves it. The manifests are the same: examples/ of the repository.",
        )?;
        for (file, content) in declared::MANIFESTS {
            fs::write(self.shell.folder.join(file), content)
                .map_err(|source| TourError::File { file, source })?;
        }
        self.typed(format!("export VMDHCP_LOCAL={API_FILE}"), String::new())?;
        let test = self.test("the server answers on the network")?;
        self.start_server()?;
        self.command("vmdhcp apply -f ippool.yaml -f virtualmachinenetworkconfig.yaml --wait").await?;
        self.command("vmdhcp apply -f second-vm.yaml --wait").await?;
        self.ready().await?;
        self.kept(test, true, format!("as {}", declared::SERVER))?;
        self.command("vmdhcp lease list").await
    }

    async fn boot_the_vms(&mut self, guests: &Guests) -> Result<(Lease, Lease), TourError> {
        self.chapter(
            "The VMs boot",
            "Each asks by DHCP, and gets the address that the API says is its own, with the options of the pool.\n\
             Whoever is not declared gets no answer: another DHCP server on that network stays undisturbed.",
        )?;
        let test = self.test("test-vm gets an address of the pool")?;
        let first = got(&guests.test_vm, guests.test_vm.boot(PATIENCE).await?)?;
        self.kept(test, declared::ADDRESSES.contains(&first.address), first.address.to_string())?;

        let test = self.test("with every option as declared")?;
        let all = declared::has_all_options(&first);
        self.kept_in_detail(test, all, if all { "all of them" } else { "not all of them" }, first.options())?;

        let test = self.test("second-vm gets another one")?;
        let second = got(&guests.second_vm, guests.second_vm.boot(PATIENCE).await?)?;
        let is_another = declared::ADDRESSES.contains(&second.address) && second.address != first.address;
        self.kept(test, is_another, second.address.to_string())?;

        let test = self.test(&format!("a wish for {WRONG_ADDRESS} is refused"))?;
        let answer = insist(&guests.test_vm, Some(WRONG_ADDRESS)).await?;
        self.kept(test, answer == Answer::Refused, in_words(&answer))?;

        let test = self.test("the stranger gets no answer")?;
        let answer = guests.stranger.boot(SILENCE).await?;
        self.kept(test, answer == Answer::Silence, in_words(&answer))?;
        let line = format!("vmdhcp lease inspect {}", guests.stranger.mac);
        let (printed, _) = self.shell.try_run(&line).await?;
        self.typed(line, printed)?;
        Ok((first, second))
    }

    async fn kill_the_server(
        &mut self,
        guests: &Guests,
        first: &Lease,
        second: &Lease,
    ) -> Result<(), TourError> {
        self.chapter(
            "The server is killed",
            "No lease is in its memory alone: the API has them all. Whoever starts next knows them.",
        )?;
        if let Some(server) = self.server.take() {
            let line = server.kill().await?;
            self.typed(line, String::new())?;
        }
        let test = self.test("back in service")?;
        self.start_server()?;
        self.ready().await?;
        self.kept(test, true, "ready")?;

        let test = self.test("test-vm reboots into the same address")?;
        let answer = guests.test_vm.reboot(None, PATIENCE).await?;
        self.kept(test, address(&answer) == Some(first.address), in_words(&answer))?;

        let test = self.test("second-vm forgot all, and gets the same")?;
        let answer = guests.second_vm.boot(PATIENCE).await?;
        self.kept(test, address(&answer) == Some(second.address), in_words(&answer))
    }

    async fn change_an_option(&mut self, guests: &Guests, first: &Lease) -> Result<(), TourError> {
        self.chapter(
            "An option of the pool changes",
            "The running server sees it at once. A client learns of it when it renews: by itself at half its\n\
             lease time, here after one second.",
        )?;
        self.command(&format!("vmdhcp pool set {POOL} --dns {NEW_NAME_SERVER}")).await?;
        let test = self.test("test-vm renews, and has the new name server")?;
        let answer = guests.test_vm.renew(PATIENCE).await?;
        let kept = matches!(&answer, Answer::Lease(lease)
            if lease.address == first.address && lease.name_servers == [NEW_NAME_SERVER]);
        let seen = match &answer {
            Answer::Lease(lease) => guest::list(&lease.name_servers),
            other => in_words(other),
        };
        self.kept(test, kept, seen)
    }

    async fn delete_and_restore(&mut self, guests: &Guests, first: &Lease) -> Result<(), TourError> {
        self.chapter(
            "A VM is deleted, and restored",
            "Its address retires: as long as a guest may still be using it, no other VM gets it. So the VM that\n\
             comes back, from a backup perhaps, gets its own address.",
        )?;
        self.command("vmdhcp delete -f virtualmachinenetworkconfig.yaml --wait").await?;
        let test = self.test("the deleted VM may not keep its address")?;
        let answer = insist(&guests.test_vm, None).await?;
        self.kept(test, answer == Answer::Refused, in_words(&answer))?;
        self.command("vmdhcp apply -f virtualmachinenetworkconfig.yaml --wait").await?;
        let test = self.test("restored, it has its address again")?;
        let answer = guests.test_vm.boot(PATIENCE).await?;
        self.kept(test, address(&answer) == Some(first.address), in_words(&answer))?;
        self.command("vmdhcp lease list").await
    }

    // === telling ===

    fn tell(&mut self, event: &Event) -> Result<(), TourError> {
        self.narrator.tell(event).map_err(TourError::Told)
    }

    fn chapter(&mut self, title: &str, text: &str) -> Result<(), TourError> {
        self.tell(&Event::Chapter { title: title.to_owned(), text: text.to_owned() })
    }

    fn typed(&mut self, line: String, printed: String) -> Result<(), TourError> {
        self.tell(&Event::Command { line, printed })
    }

    async fn command(&mut self, line: &str) -> Result<(), TourError> {
        self.tell(&Event::Doing { what: line.to_owned() })?;
        let running = self.shell.run(line);
        let printed = match &mut self.server {
            // A command that waits for a server that has died would only be a slower way to the same end.
            Some(server) => tokio::select! {
                printed = running => printed?,
                error = server.ended() => return Err(error.into()),
            },
            None => running.await?,
        };
        self.typed(line.to_owned(), printed)
    }

    fn start_server(&mut self) -> Result<(), TourError> {
        self.typed(format!("{} &", Server::command_line()), String::new())?;
        self.server = Some(Server::start(&self.shell)?);
        Ok(())
    }

    /// Waits until the server serves the pool.
    async fn ready(&mut self) -> Result<(), TourError> {
        if let Some(server) = &mut self.server {
            server.ready(POOL).await?;
        }
        Ok(())
    }

    fn test(&mut self, promise: &str) -> Result<Test, TourError> {
        self.tell(&Event::Doing { what: promise.to_owned() })?;
        Ok(Test { promise: promise.to_owned(), began: Instant::now() })
    }

    fn kept(&mut self, test: Test, kept: bool, seen: impl Into<String>) -> Result<(), TourError> {
        self.kept_in_detail(test, kept, seen, Vec::new())
    }

    fn kept_in_detail(
        &mut self,
        test: Test,
        kept: bool,
        seen: impl Into<String>,
        detail: Vec<String>,
    ) -> Result<(), TourError> {
        let Test { promise, began } = test;
        let milliseconds = u64::try_from(began.elapsed().as_millis()).ok().filter(|time| *time > 0);
        self.tell(&Event::Check(Check { promise, seen: seen.into(), detail, milliseconds, kept }))
    }
}

/// Starts a guest, and connects it to the bridge.
async fn plug(
    netlink: &Handle,
    name: &'static str,
    mac_end: u8,
    port: &'static str,
) -> Result<Guest, TourError> {
    let mac = MacAddr::new([0xfa, 0xcf, 0x8e, 0x50, 0x82, mac_end])?;
    let guest = Guest::start(name, mac, port).await?;
    network::connect_port(netlink, port).await?;
    Ok(guest)
}

/// Reboots a guest until its wish is answered. The server refuses nobody before it has made sure, within a second of
/// every change, that it knows the newest; a client asks again in any case.
async fn insist(guest: &Guest, wish: Option<Ipv4Addr>) -> Result<Answer, TourError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = guest.reboot(wish, REFUSAL).await?;
        if answer != Answer::Silence || Instant::now() > deadline {
            return Ok(answer);
        }
    }
}

fn got(guest: &Guest, answer: Answer) -> Result<Lease, TourError> {
    match answer {
        Answer::Lease(lease) => Ok(lease),
        Answer::Refused | Answer::Silence => Err(TourError::NoAddress { guest: guest.name }),
    }
}

fn address(answer: &Answer) -> Option<Ipv4Addr> {
    match answer {
        Answer::Lease(lease) => Some(lease.address),
        Answer::Refused | Answer::Silence => None,
    }
}

fn in_words(answer: &Answer) -> String {
    match answer {
        Answer::Lease(lease) => lease.address.to_string(),
        Answer::Refused => "refused (DHCPNAK)".to_owned(),
        Answer::Silence => "silence".to_owned(),
    }
}
