//! `vmdhcp pool create`.

use std::net::Ipv4Addr;

use clap::Args;
use ipnet::Ipv4Net;
use kube::ResourceExt;
use vmdhcp_core::NetworkName;
use vmdhcp_core::admission::{Change, admit_pool};
use vmdhcp_core::api::{IPPool, IPPoolSpec, IPv4Config};
use vmdhcp_core::network::is_dns_subdomain;
use vmdhcp_core::pool::defaults;

use super::fields::{AddressRange, PoolFields};
use crate::args::{Changing, Printing};
use crate::context::Session;
use crate::duration::parse_seconds;
use crate::failure::Failure;
use crate::objects;
use crate::output::Output;
use crate::prompt::Ask;
use crate::snapshot::Snapshot;
use crate::wait;

/// Create a pool; on a terminal, asks for what is missing
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp pool create net-48
  vmdhcp pool create net-48 --network default/net-48 --cidr 192.168.48.0/24 --router 192.168.48.1 \\
      --range 192.168.48.100-192.168.48.199 --dns 1.1.1.1,9.9.9.9 --lease-time 1h
  vmdhcp pool create lab --network lab --cidr 10.1.0.0/16 --option tftp-server-name=boot.lab --dry-run -o yaml")]
pub(crate) struct Create {
    /// Name of the pool
    name: String,
    /// VM network that the pool serves, as NAME or NAMESPACE/NAME
    #[arg(long, value_name = "NETWORK")]
    network: Option<String>,
    /// Subnet, for instance 192.168.48.0/24
    #[arg(long, value_name = "SUBNET", value_parser = subnet)]
    cidr: Option<Ipv4Net>,
    #[command(flatten)]
    changing: Changing,
    #[command(flatten)]
    printing: Printing,
    // Last, because its heading goes on to whatever follows.
    #[command(flatten)]
    fields: PoolFields,
}

impl Create {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        let Self { name, network, cidr, mut fields, changing, printing } = self;
        if !is_dns_subdomain(&name, 253) {
            return Err(Failure::Usage(format!(
                "{name:?} is not the name of an object; use lower-case letters, digits, '-' and '.'"
            )));
        }
        let (network, cidr) = match (network, cidr, &session.ask) {
            (Some(network), Some(cidr), None) => (network, cidr),
            (network, cidr, Some(ask)) => {
                ask_for_missing(&**ask, session, &name, network, cidr, &mut fields)?
            }
            (network, cidr, None) => {
                let missing: Vec<_> =
                    [network.is_none().then_some("--network"), cidr.is_none().then_some("--cidr")]
                        .into_iter()
                        .flatten()
                        .collect();
                return Err(Failure::Usage(format!("a pool needs {} as well", missing.join(" and "))));
            }
        };
        let mut config = IPv4Config { cidr: cidr.to_string(), ..IPv4Config::default() };
        fields.write(&mut config);
        let mut spec = IPPoolSpec { network_name: network, ipv4_config: Some(config), paused: None };
        defaults::apply(&mut spec);
        let mut pool = IPPool::new(&name, spec);
        pool.metadata.namespace = Some(session.namespace.clone());
        if objects::find::<IPPool>(session, &session.namespace, &name).await?.is_some() {
            return Err(Failure::Conflict {
                what: format!("IPPool {}/{name} exists already", session.namespace),
                hint: format!("change it with `vmdhcp pool set {name}`"),
            });
        }
        admit_pool(&Change::Create(&pool), &Snapshot::read(session).await?)?;
        let created = objects::create(session, &pool, changing.dry_run).await?;
        objects::report::<IPPool>(output, printing.output, &created, "created", changing.dry_run)?;
        if changing.wait {
            output.flush()?;
            let api = objects::api_in::<IPPool>(session, &session.namespace);
            wait::settled::<IPPool>(api, &created.name_any(), changing.timeout).await?;
        }
        Ok(())
    }
}

/// Asks for the network and the subnet, and if one of them had to be asked for, for the other fields that most pools
/// have; each with a default that works.
fn ask_for_missing(
    ask: &dyn Ask,
    session: &Session,
    name: &str,
    network: Option<String>,
    cidr: Option<Ipv4Net>,
    fields: &mut PoolFields,
) -> Result<(String, Ipv4Net), Failure> {
    if let (Some(network), Some(cidr)) = (&network, cidr) {
        return Ok((network.clone(), cidr));
    }
    let network = match network {
        Some(network) => network,
        None => ask.text("VM network (NAME or NAMESPACE/NAME)", name, &|text| {
            NetworkName::parse(text, &session.namespace).map(drop).map_err(|e| e.to_string())
        })?,
    };
    let cidr = match cidr {
        Some(cidr) => cidr,
        None => answer(ask, "Subnet", "192.168.100.0/24", |text| {
            let cidr = subnet(text)?;
            if cidr.prefix_len() > 30 { Err("the longest prefix is /30".to_owned()) } else { Ok(cidr) }
        })?,
    };
    let cidr_or = |address: Ipv4Addr| {
        if cidr.contains(&address) { Ok(address) } else { Err(format!("{address} is outside {cidr}")) }
    };
    if fields.router.is_none() {
        let gateway = nth(cidr, 1).to_string();
        fields.router = answer(ask, "Router (- for none)", &gateway, |text| {
            optional(text).map(address).transpose()?.map(cidr_or).transpose()
        })?;
    }
    if fields.ranges.is_empty() {
        let range = usual_range(cidr);
        let default = format!("{}-{}", range.start, range.end);
        let range = answer(ask, "Addresses to give out (START-END)", &default, |text| {
            let range: AddressRange = text.parse()?;
            cidr_or(range.start)?;
            cidr_or(range.end)?;
            if range.end < range.start { Err("ends before it starts".to_owned()) } else { Ok(range) }
        })?;
        fields.ranges = vec![range];
    }
    if fields.dns.is_empty() {
        let default = fields.router.map_or("-".to_owned(), |router| router.to_string());
        fields.dns = answer(ask, "Name servers (separated by commas, - for none)", &default, |text| {
            optional(text).into_iter().flat_map(|text| text.split(',')).map(address).collect()
        })?;
    }
    if fields.lease_time.is_none() {
        fields.lease_time = Some(answer(ask, "Lease time (like 1h or 1d)", "1d", parse_seconds)?);
    }
    Ok((network, cidr))
}

/// Asks until the answer parses.
fn answer<T>(
    ask: &dyn Ask,
    question: &str,
    default: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    let text = ask.text(question, default, &|text| parse(text.trim()).map(drop))?;
    parse(text.trim()).map_err(Failure::Usage)
}

fn subnet(text: &str) -> Result<Ipv4Net, String> {
    text.parse().map_err(|_| "write ADDRESS/LENGTH, for instance 192.168.48.0/24".to_owned())
}

fn address(text: &str) -> Result<Ipv4Addr, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is not an IPv4 address"))
}

fn optional(text: &str) -> Option<&str> {
    (!text.is_empty() && text != "-").then_some(text)
}

/// The nth address of a subnet.
fn nth(cidr: Ipv4Net, n: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(cidr.network()).saturating_add(n))
}

/// What is left of a subnet for VMs once the first few addresses are kept for routers, servers and people.
fn usual_range(cidr: Ipv4Net) -> AddressRange {
    let size = 1_u64 << (32 - cidr.prefix_len());
    let first = if size >= 64 { 10 } else { 3.min(u32::try_from(size).unwrap_or(u32::MAX) - 2) };
    AddressRange { start: nth(cidr, first), end: Ipv4Addr::from(u32::from(cidr.broadcast()) - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_that_is_proposed_lies_in_the_smallest_and_in_the_largest_subnet() {
        for (cidr, start, end) in [
            ("10.0.0.0/30", "10.0.0.2", "10.0.0.2"),
            ("10.0.0.0/29", "10.0.0.3", "10.0.0.6"),
            ("192.168.48.0/24", "192.168.48.10", "192.168.48.254"),
            ("10.0.0.0/8", "10.0.0.10", "10.255.255.254"),
            ("0.0.0.0/0", "0.0.0.10", "255.255.255.254"),
        ] {
            let range = usual_range(cidr.parse().unwrap());
            assert_eq!(
                (range.start.to_string(), range.end.to_string()),
                (start.into(), end.into()),
                "{cidr}"
            );
        }
    }
}
