//! `vmdhcp lease watch`: what agents decide about packets, as it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use futures::stream::{LocalBoxStream, SelectAll};
use futures::{FutureExt, StreamExt, stream};
use serde::Serialize;
use tokio::time::MissedTickBehavior;
use vmdhcp_core::MacAddr;
use vmdhcp_core::api::{IPPool, parse_time};
use vmdhcp_daemons::agent::{DecisionText, StreamLine};

use crate::agents::{self, Agent};
use crate::context::Session;
use crate::failure::Failure;
use crate::leases::{Lease, ObjectName, leases};
use crate::objects;
use crate::output::{Format, Output};
use crate::snapshot::Snapshot;
use crate::table::printable;

/// How often it is looked whether there are other agents.
const LOOK: Duration = Duration::from_secs(2);
/// How often the names of VMs are read anew at most.
const NAMES: Duration = Duration::from_secs(5);

/// Watch what the DHCP servers decide, packet by packet: who asks, what is answered, and why not
///
/// One line a packet, from all agents of the pool, until it is interrupted. A card that gets no address shows here with
/// the reason; one that does not show at all is not heard: look at its network. Without POOL: all pools of the
/// namespace.
///
/// With -o json: one object a line with "time", "macAddress", "sourceMacAddress" (who sent the frame, if that is another
/// card), "relay", "message", "answer", "address" (granted, else asked for), "reason", "text", "pool", "agent", "vm" and
/// "claim"; what does not apply is missing. {"pool", "agent", "missed": N} says that packets came faster than they could
/// be shown, {"pool", "agent", "dropped": N} that more came than are looked at.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  vmdhcp lease watch net-48
  vmdhcp lease watch net-48 --mac fa:cf:8e:50:82:fc --recent
  vmdhcp lease watch -A -o json")]
pub(crate) struct Watch {
    /// Name of the pool
    #[arg(conflicts_with = "all_namespaces")]
    pool: Option<String>,
    /// Only packets about this card, or from it
    #[arg(long, value_name = "MAC")]
    mac: Option<MacAddr>,
    /// Begin with what the agents remember: about the last 2,000 packets of each
    #[arg(long)]
    recent: bool,
    /// Watch the pools of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// What is printed: a table, one with the agents and pools, or JSON
    #[arg(short, long, value_name = "FORMAT", default_value = "table", value_parser =
        PossibleValuesParser::new(["table", "wide", "json"]).map(|word| match word.as_str() {
            "json" => Format::Json,
            "wide" => Format::Wide,
            _ => Format::Table,
        }))]
    output: Format,
}

/// Which agent of which pool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Source {
    pool: ObjectName,
    agent: String,
}

/// A line of an agent; or why there are no more.
type Heard = (Source, Result<StreamLine, String>);

impl Watch {
    /// Does it.
    pub(crate) async fn run(self, session: &Session, output: &mut Output) -> Result<(), Failure> {
        if self.output != Format::Json {
            output.line(titles(self.output))?;
            output.flush()?;
        }
        let mut screen = Screen { session, output, format: self.output, names: Names::default() };
        let mut sources = Sources::default();
        let mut heard: SelectAll<LocalBoxStream<'_, Heard>> = SelectAll::new();
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(line) = heard.next() => {
                    screen.take(&mut sources, line).await?;
                    // Whatever has come by now is printed before it is flushed.
                    while let Some(Some(line)) = heard.next().now_or_never() {
                        screen.take(&mut sources, line).await?;
                    }
                    screen.output.flush()?;
                }
                _ = ticks.tick() => {
                    let agents = self.agents(session).await?;
                    for (source, agent, recent) in sources.new_among(agents, self.recent, screen.output) {
                        heard.push(self.follow(session, source, agent, recent));
                    }
                }
            }
        }
    }

    /// The agents that are to be watched.
    async fn agents(&self, session: &Session) -> Result<Vec<(Source, Agent)>, Failure> {
        let pools: Vec<ObjectName> = if let Some(name) = &self.pool {
            vec![ObjectName::of(&objects::get::<IPPool>(session, &session.namespace, name).await?)]
        } else {
            let scope = session.scope(self.all_namespaces);
            objects::list::<IPPool>(session, scope, None).await?.iter().map(ObjectName::of).collect()
        };
        let mut agents = agents::by_pool(session).await?;
        let of_pool = |pool: ObjectName| {
            let agents = agents.remove(&pool.seen_from(None)).unwrap_or_default();
            agents
                .into_iter()
                .map(move |agent| (Source { pool: pool.clone(), agent: agent.name.clone() }, agent))
        };
        Ok(pools.into_iter().flat_map(of_pool).collect())
    }

    /// All that this agent tells from now on.
    fn follow<'s>(
        &self,
        session: &'s Session,
        source: Source,
        agent: Agent,
        recent: bool,
    ) -> LocalBoxStream<'s, Heard> {
        let only = self.mac;
        let lines = async move {
            match agents::decisions(session, &agent, only, recent).await {
                Ok(decisions) => decisions.lines().boxed_local(),
                Err(why) => stream::once(std::future::ready(Err(why))).boxed_local(),
            }
        };
        lines.flatten_stream().map(move |line| (source.clone(), line)).boxed_local()
    }
}

/// Which agents are watched, and which cannot be.
#[derive(Default)]
struct Sources {
    watched: BTreeSet<Source>,
    /// Why not, as it was said last.
    lost: BTreeMap<Source, String>,
    said_that_there_is_none: bool,
}

impl Sources {
    /// Those that are not watched yet, and whether they shall begin with what they remember: only the first time.
    fn new_among(
        &mut self,
        agents: Vec<(Source, Agent)>,
        recent: bool,
        output: &mut Output,
    ) -> Vec<(Source, Agent, bool)> {
        if agents.is_empty() && !self.said_that_there_is_none {
            output.say("note: no agent is known for what is to be watched; waiting for one");
        }
        self.said_that_there_is_none = agents.is_empty();
        let new = agents.into_iter().filter(|(source, _)| self.watched.insert(source.clone()));
        let lost = &self.lost;
        new.map(|(source, agent)| {
            let recent = recent && !lost.contains_key(&source);
            (source, agent, recent)
        })
        .collect()
    }

    /// Notes that an agent is watched no more; whether that is news.
    fn lose(&mut self, source: &Source, why: &str) -> bool {
        self.watched.remove(source);
        self.lost.insert(source.clone(), why.to_owned()).as_deref() != Some(why)
    }
}

/// Where lines are printed.
struct Screen<'a> {
    session: &'a Session,
    output: &'a mut Output,
    format: Format,
    names: Names,
}

impl Screen<'_> {
    async fn take(&mut self, sources: &mut Sources, (source, line): Heard) -> Result<(), Failure> {
        let agent = printable(&source.agent);
        let line = match line {
            Ok(line) => line,
            Err(why) => {
                if sources.lose(&source, &why) {
                    let why = printable(&why);
                    self.output.say(format_args!("note: agent {agent} is not watched: {why}; trying again"));
                }
                return Ok(());
            }
        };
        if self.format == Format::Json {
            let found = match &line {
                StreamLine::Decision(decision) => self.names.of(self.session, &source, decision).await?,
                StreamLine::Missed(_) | StreamLine::Dropped(_) => Name::default(),
            };
            return self.json(&Line::new(&source, line, found));
        }
        match line {
            StreamLine::Decision(decision) => {
                let name = self.names.of(self.session, &source, &decision).await?;
                self.output.line(row(self.format, &source, &decision, &name))
            }
            StreamLine::Missed(count) => {
                self.output.say(format_args!(
                    "note: {count} decisions of agent {agent} came faster than they could be shown"
                ));
                Ok(())
            }
            StreamLine::Dropped(count) => {
                self.output.say(format_args!(
                    "note: agent {agent} dropped {count} messages because there are too many; a few of them are shown"
                ));
                Ok(())
            }
        }
    }

    fn json(&mut self, line: &Line<'_>) -> Result<(), Failure> {
        let text = serde_json::to_string(line);
        let invalid = |e| std::io::Error::new(std::io::ErrorKind::InvalidData, e);
        self.output.line(text.map_err(|e| Failure::Io { doing: "print a decision", source: invalid(e) })?)
    }
}

/// What `-o json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(flatten)]
    decision: Option<DecisionText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped: Option<u64>,
    pool: &'a ObjectName,
    agent: &'a str,
    #[serde(flatten)]
    name: Name,
}

impl<'a> Line<'a> {
    fn new(source: &'a Source, line: StreamLine, name: Name) -> Self {
        let Source { pool, agent } = source;
        let empty = Self { decision: None, missed: None, dropped: None, pool, agent, name };
        match line {
            StreamLine::Decision(decision) => Self { decision: Some(decision), ..empty },
            StreamLine::Missed(count) => Self { missed: Some(count), ..empty },
            StreamLine::Dropped(count) => Self { dropped: Some(count), ..empty },
        }
    }
}

/// Whose card it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Name {
    #[serde(skip_serializing_if = "Option::is_none")]
    vm: Option<ObjectName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<ObjectName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<String>,
}

/// Whose card is which, as the API had it a moment ago.
#[derive(Default)]
struct Names {
    by_card: BTreeMap<(ObjectName, MacAddr), Name>,
    read: Option<Instant>,
}

impl Names {
    /// Whose card this is about; the API is asked again where that is not known, but not for every packet.
    async fn of(
        &mut self,
        session: &Session,
        source: &Source,
        decision: &DecisionText,
    ) -> Result<Name, Failure> {
        let Some(card) = decision.mac_address.as_deref().and_then(|text| text.parse().ok()) else {
            return Ok(Name::default());
        };
        let key = (source.pool.clone(), card);
        if !self.by_card.contains_key(&key) && self.read.is_none_or(|read| read.elapsed() > NAMES) {
            let Snapshot { pools, claims } = Snapshot::read(session).await?;
            self.by_card = leases(&pools, &claims).into_iter().filter_map(named).collect();
            self.read = Some(Instant::now());
        }
        Ok(self.by_card.get(&key).cloned().unwrap_or_default())
    }
}

fn named(lease: Lease) -> Option<((ObjectName, MacAddr), Name)> {
    let card = lease.mac()?;
    let Lease { pool, vm, claim, hostname, .. } = lease;
    Some(((pool?, card), Name { vm, claim, hostname }))
}

fn titles(format: Format) -> String {
    columns(format, ["POOL", "AGENT"], ["TIME", "MAC", "VM", "MESSAGE", "ANSWER", "ADDRESS", "REASON"])
}

fn row(format: Format, source: &Source, decision: &DecisionText, name: &Name) -> String {
    let none = || "<none>".to_owned();
    let Source { pool, agent } = source;
    let DecisionText { time, mac_address, source_mac_address, relay, message, answer, address, .. } =
        decision;
    let sender = source_mac_address.as_ref().filter(|_| mac_address.is_some());
    let details = [
        Some(decision.text.clone()),
        sender.map(|sender| format!("sent by {sender}")),
        relay.map(|relay| format!("by the relay agent {relay}")),
    ];
    let reason = details.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let whose = [&name.vm, &name.claim].into_iter().flatten().next().map(|name| name.seen_from(None));
    let cells = [
        clock(time),
        mac_address.as_ref().or(source_mac_address.as_ref()).cloned().unwrap_or_else(none),
        whose.or_else(|| name.hostname.clone()).unwrap_or_else(none),
        message.clone().unwrap_or_else(none),
        answer.clone().unwrap_or_else(none),
        address.map_or_else(none, |address| address.to_string()),
        reason,
    ];
    columns(format, [&pool.seen_from(None), agent], cells.each_ref().map(String::as_str))
}

/// The time of day (UTC), to the millisecond; what is no time as it is.
fn clock(time: &str) -> String {
    let parsed = parse_time(time).map(|time| format!("{time:.3}"));
    let clock = parsed.as_deref().and_then(|time| time.split_once('T')).map(|(_, clock)| clock);
    clock.unwrap_or(time).to_owned()
}

/// One line, also on a narrow terminal: what is wider than its column moves the rest along.
fn columns(format: Format, origin: [&str; 2], cells: [&str; 7]) -> String {
    const WIDTHS: [usize; 6] = [13, 17, 20, 12, 9, 15];
    let [.., last] = cells;
    let fixed = cells.iter().zip(WIDTHS).map(|(cell, width)| format!("{:width$}   ", printable(cell)));
    let origin = origin.iter().filter(|_| format == Format::Wide);
    let origin = origin.map(|cell| format!("{:20}   ", printable(cell)));
    fixed.chain(origin).chain([printable(last)]).collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::coordination::v1::Lease as Object;
    use kube::api::{Api, PostParams};
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use vmdhcp_core::api::{
        AGENT_COMPONENT, AGENT_REPORT_ANNOTATION, AgentReport, COMPONENT_LABEL, POOL_ANNOTATION,
    };

    use super::*;
    use crate::testing::Lab;

    const LINES: &str = concat!(
        "\n",
        r#"{"decision":{"time":"2026-08-01T11:30:00.5Z","macAddress":"fa:cf:8e:50:82:fc","message":"DHCPDISCOVER","answer":"DHCPOFFER","address":"192.168.48.82","reason":"offered","text":"the card has a lease, so it was offered"}}"#,
        "\n",
        r#"{"decision":{"time":"2026-08-01T11:30:01Z","macAddress":"02:00:00:00:00:99","sourceMacAddress":"02:00:00:00:00:66","relay":"192.168.48.250","message":"DHCPDISCOVER","reason":"unknown_mac","text":"the card has no lease in this pool"}}"#,
        "\n\n",
        r#"{"decision":{"time":"2026-08-01T11:30:02Z","sourceMacAddress":"02:00:00:00:00:66","reason":"too_short","text":"\u001b[2Jshort"}}"#,
        "\n",
        r#"{"dropped":7}"#,
        "\n",
    );

    /// A pool that is served by an agent, which tells this whenever it is asked, and what it was asked first.
    async fn watched() -> (Lab, tokio::task::JoinHandle<String>) {
        let lab = Lab::served().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/agents/default/net-48", listener.local_addr().unwrap());
        let report = AgentReport { agent: "a-1".into(), url, ..AgentReport::default() };
        let lease = serde_json::from_value(json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {
                "name": "a-1", "labels": {COMPONENT_LABEL: AGENT_COMPONENT},
                "annotations": {
                    POOL_ANNOTATION: "default/net-48",
                    AGENT_REPORT_ANNOTATION: serde_json::to_string(&report).unwrap(),
                },
            },
        }));
        let leases: Api<Object> = Api::namespaced(lab.session.client.clone(), "default");
        leases.create(&PostParams::default(), &lease.unwrap()).await.unwrap();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = vec![0; 1_024];
            let length = stream.read(&mut question).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            stream.write_all(LINES.as_bytes()).await.unwrap();
            // It goes on, as an agent does.
            tokio::spawn(async move { drop(stream.read(&mut [0]).await) });
            String::from_utf8_lossy(&question[..length]).lines().next().unwrap_or_default().to_owned()
        });
        (lab, asked)
    }

    #[tokio::test]
    async fn each_packet_is_a_line_with_the_vm_and_the_reason() {
        let (lab, asked) = watched().await;
        let shown = lab.watch("lease watch net-48 --recent", 4, &[]).await;
        insta::assert_snapshot!(shown, @r"
        TIME            MAC                 VM                     MESSAGE        ANSWER      ADDRESS           REASON
        11:30:00.500Z   fa:cf:8e:50:82:fc   default/web            DHCPDISCOVER   DHCPOFFER   192.168.48.82     the card has a lease, so it was offered
        11:30:01.000Z   02:00:00:00:00:99   <none>                 DHCPDISCOVER   <none>      <none>            the card has no lease in this pool; sent by 02:00:00:00:00:66; by the relay agent 192.168.48.250
        11:30:02.000Z   02:00:00:00:00:66   <none>                 <none>         <none>      <none>            �[2Jshort
        ");
        assert_eq!(asked.await.unwrap(), "GET /agents/default/net-48/decisions?recent=true HTTP/1.1");
    }

    #[tokio::test]
    async fn programs_get_an_object_a_line() {
        let (lab, asked) = watched().await;
        let shown = lab.watch("lease watch -o json --mac FACF.8E50.82FC", 4, &[]).await;
        let lines: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines[0],
            json!({
                "time": "2026-08-01T11:30:00.5Z", "macAddress": "fa:cf:8e:50:82:fc", "message": "DHCPDISCOVER",
                "answer": "DHCPOFFER", "address": "192.168.48.82", "reason": "offered",
                "text": "the card has a lease, so it was offered",
                "pool": {"namespace": "default", "name": "net-48"}, "agent": "a-1",
                "vm": {"namespace": "default", "name": "web"}, "claim": {"namespace": "default", "name": "web"}
            })
        );
        let pool = json!({"namespace": "default", "name": "net-48"});
        assert_eq!(lines[3], json!({"dropped": 7, "pool": pool, "agent": "a-1"}));
        let question = "GET /agents/default/net-48/decisions?recent=false&mac=fa:cf:8e:50:82:fc HTTP/1.1";
        assert_eq!(asked.await.unwrap(), question);
    }

    #[tokio::test]
    async fn a_pool_that_does_not_exist_is_named() {
        let ran = Lab::served().await.run("lease watch net-49").await;
        assert!(ran.stderr.contains("net-49"), "{}", ran.stderr);
    }

    #[test]
    fn the_time_of_day_has_milliseconds() {
        for (time, shown) in [
            ("2026-08-01T11:30:00.5Z", "11:30:00.500Z"),
            ("2026-08-01T11:30:00Z", "11:30:00.000Z"),
            ("2026-08-01T13:30:00.123456789+02:00", "11:30:00.123Z"),
            ("soon", "soon"),
        ] {
            assert_eq!(clock(time), shown);
        }
    }
}
