//! The server's decision table (RFC 2131 sections 4.3.1 to 4.3.6).

use std::net::Ipv4Addr;

use super::reply::{self, Answer, OptionsOf};
use super::{
    Authority, ClientMessage, Decision, Destination, LeaseId, LeaseTable, MessageType, Reply, ReplyBuffer,
    Request, Why,
};

/// Decides about a client's message. An answer is written into `buffer`.
///
/// The same table and message give the same decision and bytes, in any agent. Nothing is allocated.
pub fn respond(
    table: &LeaseTable,
    request: &Request<'_>,
    authority: Authority,
    buffer: &mut ReplyBuffer,
) -> Decision {
    if let Some(link) = request.link(table.lets_select_subnet(request))
        && !table.subnet().contains(&link)
    {
        return Decision::Silent(Why::OtherLink { link });
    }
    if request.is_relayed() && !table.is_relay(request.giaddr()) {
        return Decision::Silent(Why::RelayRefused { relay: request.giaddr() });
    }
    let exchange = Exchange { table, request, authority };
    match request.message() {
        ClientMessage::Discover { rapid_commit } => exchange.discover(rapid_commit, buffer),
        ClientMessage::Selecting { server, .. } | ClientMessage::Extending { server: Some(server), .. }
            if !table.is_server(server) =>
        {
            Decision::Silent(Why::OtherServer { server })
        }
        ClientMessage::Selecting { address, .. } => exchange.request(address, Why::Bound, buffer),
        ClientMessage::InitReboot { address } => exchange.request(address, Why::Confirmed, buffer),
        ClientMessage::Extending { address, .. } => exchange.request(address, Why::Extended, buffer),
        ClientMessage::Decline { server, address } => {
            Decision::Silent(exchange.told(Some(server), address, Why::Declined { address }))
        }
        ClientMessage::Release { server, address } => {
            Decision::Silent(exchange.told(server, address, Why::Released { address }))
        }
        ClientMessage::Inform { address } => exchange.inform(address, buffer),
    }
}

/// A message and what it is judged by.
struct Exchange<'e> {
    table: &'e LeaseTable,
    request: &'e Request<'e>,
    authority: Authority,
}

impl Exchange<'_> {
    /// RFC 2131 section 4.3.1.
    fn discover(&self, rapid_commit: bool, buffer: &mut ReplyBuffer) -> Decision {
        let mac = self.request.mac();
        match self.table.lookup(mac) {
            Some(lease) if rapid_commit => self.grant(MessageType::Ack, lease, Why::Bound, buffer),
            Some(lease) => self.grant(MessageType::Offer, lease, Why::Offered, buffer),
            None if !self.table.is_route_helper(mac) => Decision::Silent(Why::UnknownMac),
            None if !self.table.has_router() => Decision::Silent(Why::NoRouter),
            None => {
                let answer = self.answer(MessageType::Offer, self.options_of(None));
                self.reply(&answer, None, Why::RouteHelper, buffer)
            }
        }
    }

    /// RFC 2131 section 4.3.2, once the message is known to be for this server.
    fn request(&self, asked: Ipv4Addr, granted: Why, buffer: &mut ReplyBuffer) -> Decision {
        let mac = self.request.mac();
        if let Some(lease) = self.table.holds(mac, asked) {
            return self.grant(MessageType::Ack, lease, granted, buffer);
        }
        let known = self.table.lookup(mac);
        let (why, text) = if self.table.has_lost(mac, asked) {
            (Why::Lost { asked }, "this address has been taken from this network card")
        } else if known.is_none() {
            return Decision::Silent(Why::UnknownMac);
        } else if self.table.subnet().contains(&asked) {
            (Why::NotItsAddress { asked }, "this is not the address of this network card")
        } else {
            (Why::WrongNetwork { asked }, "this address is not on this network")
        };
        match self.authority {
            Authority::Current => self.refuse(known, why, text, buffer),
            Authority::Stale => Decision::Silent(Why::NotCurrent { asked }),
        }
    }

    /// RFC 2131 sections 4.3.3 and 4.3.4: what a client says of a lease is noted, if it is its own.
    fn told(&self, server: Option<Ipv4Addr>, address: Ipv4Addr, what: Why) -> Why {
        if let Some(server) = server
            && !self.table.is_server(server)
        {
            Why::OtherServer { server }
        } else if self.table.holds(self.request.mac(), address).is_none() {
            Why::NotItsLease { address }
        } else {
            what
        }
    }

    /// RFC 2131 section 4.3.5: any host on the link may ask, whether it has a lease or not.
    fn inform(&self, address: Ipv4Addr, buffer: &mut ReplyBuffer) -> Decision {
        let mac = self.request.mac();
        if !self.table.is_host(address) {
            return Decision::Silent(Why::NotOnLink { address });
        }
        if self.table.is_route_helper(mac) && !self.table.has_router() {
            return Decision::Silent(Why::NoRouter);
        }
        let lease = self.table.lookup(mac);
        let options = self.options_of(lease);
        let answer = Answer { ciaddr: address, ..self.answer(MessageType::Ack, options) };
        self.reply(&answer, lease, Why::Informed, buffer)
    }

    fn grant(&self, kind: MessageType, lease: LeaseId, why: Why, buffer: &mut ReplyBuffer) -> Decision {
        let Some((_, yiaddr)) = self.table.lease(lease) else { return Decision::Silent(Why::UnknownMac) };
        let ciaddr = match kind {
            MessageType::Ack => self.request.ciaddr(),
            _ => Ipv4Addr::UNSPECIFIED,
        };
        let levels = self.table.levels(self.request, Some(lease));
        let asked = self.request.lease_time();
        let lease_time = Some(levels.lease_time().unwrap_or_else(|| self.table.lease_time(asked)));
        let options = OptionsOf::Client(levels);
        let answer = Answer { ciaddr, yiaddr, lease_time, ..self.answer(kind, options) };
        self.reply(&answer, Some(lease), why, buffer)
    }

    fn refuse(
        &self,
        lease: Option<LeaseId>,
        why: Why,
        text: &'static str,
        buffer: &mut ReplyBuffer,
    ) -> Decision {
        let mut answer = self.answer(MessageType::Nak, OptionsOf::Refusal(text));
        if self.request.is_relayed() {
            // So that the relay agent broadcasts: the client may not be reachable by the address it thinks it has.
            answer.flags |= 0x8000;
        }
        self.reply(&answer, lease, why, buffer)
    }

    fn options_of(&self, lease: Option<LeaseId>) -> OptionsOf<'_> {
        OptionsOf::Client(self.table.levels(self.request, lease))
    }

    /// An answer without an address.
    const fn answer<'a>(&self, kind: MessageType, options: OptionsOf<'a>) -> Answer<'a> {
        let nothing = Ipv4Addr::UNSPECIFIED;
        Answer {
            kind,
            ciaddr: nothing,
            yiaddr: nothing,
            flags: self.request.flags(),
            lease_time: None,
            options,
        }
    }

    fn reply(
        &self,
        answer: &Answer<'_>,
        lease: Option<LeaseId>,
        why: Why,
        buffer: &mut ReplyBuffer,
    ) -> Decision {
        let Some(written) = reply::write(self.table, self.request, answer, buffer) else {
            return Decision::Silent(Why::TooLarge);
        };
        Decision::Reply(Reply {
            kind: answer.kind,
            length: written.length,
            destination: Destination::of(self.request, answer.kind, answer.yiaddr),
            lease,
            lease_time: answer.lease_time,
            left_out: written.left_out,
            why,
        })
    }
}
