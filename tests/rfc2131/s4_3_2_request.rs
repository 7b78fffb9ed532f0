//! Section 4.3.2: DHCPREQUEST, by the state that the client is in.

use dhcproto::v4::{DhcpOption, MessageType};
use serde_json::json;
use vmdhcp_core::dhcp::{Authority, Extras, LeaseTable, Why};

use crate::fixtures::*;

fn kind(answer: &Answer) -> MessageType {
    answer.message.opts().msg_type().unwrap()
}

mod selecting {
    use super::*;

    #[test]
    fn the_right_address_from_this_server_is_granted() {
        let ack = answer(&table(), &Message::selecting(known(), SERVER, ADDRESS));
        assert_eq!(kind(&ack), MessageType::Ack);
        assert_eq!(ack.message.yiaddr(), ADDRESS);
        assert_eq!(ack.lease_time(), Some(300));
        assert_eq!(ack.reply.why, Why::Bound);
    }

    #[test]
    fn whoever_chose_another_server_hears_nothing_from_this_one() {
        for mac in [known(), dispossessed(), stranger()] {
            let message = Message::selecting(mac, FOREIGN_SERVER, ADDRESS);
            assert_eq!(silence(&table(), &message), Why::OtherServer { server: FOREIGN_SERVER });
        }
    }

    #[test]
    fn another_address_than_the_cards_is_refused() {
        let nak = answer(&table(), &Message::selecting(known(), SERVER, NEIGHBOUR));
        assert_eq!(kind(&nak), MessageType::Nak);
        assert_eq!(nak.reply.why, Why::NotItsAddress { asked: NEIGHBOUR });
    }

    #[test]
    fn an_unknown_card_hears_nothing() {
        let message = Message::selecting(stranger(), SERVER, ADDRESS);
        assert_eq!(silence(&table(), &message), Why::UnknownMac);
    }

    #[test]
    fn an_offer_of_before_that_was_taken_back_is_refused() {
        let nak = answer(&table(), &Message::selecting(dispossessed(), SERVER, LOST_ADDRESS));
        assert_eq!(nak.reply.why, Why::Lost { asked: LOST_ADDRESS });
    }

    #[test]
    fn the_server_is_still_itself_under_an_address_that_it_had_before() {
        let extras = Extras { previous_servers: vec![FOREIGN_SERVER], ..Extras::default() };
        let table = LeaseTable::build(&pool(json!({})), &allocations(), &extras);
        let ack = answer(&table, &Message::selecting(known(), FOREIGN_SERVER, ADDRESS));
        assert_eq!(kind(&ack), MessageType::Ack);
        assert_eq!(ack.value(54).unwrap(), SERVER.octets(), "the client learns the new address");
    }
}

mod init_reboot {
    use super::*;

    #[test]
    fn the_right_address_is_confirmed() {
        let ack = answer(&table(), &Message::init_reboot(known(), ADDRESS));
        assert_eq!(kind(&ack), MessageType::Ack);
        assert_eq!((ack.message.yiaddr(), ack.message.ciaddr()), (ADDRESS, NOBODY));
        assert_eq!(ack.reply.why, Why::Confirmed);
    }

    #[test]
    fn another_address_of_this_network_is_refused() {
        let nak = answer(&table(), &Message::init_reboot(known(), NEIGHBOUR));
        assert_eq!(kind(&nak), MessageType::Nak);
        assert_eq!(nak.reply.why, Why::NotItsAddress { asked: NEIGHBOUR });
    }

    #[test]
    fn an_address_of_another_network_is_refused() {
        let nak = answer(&table(), &Message::init_reboot(known(), ELSEWHERE));
        assert_eq!(nak.reply.why, Why::WrongNetwork { asked: ELSEWHERE });
    }

    #[test]
    fn an_unknown_card_hears_nothing_not_even_on_the_wrong_network() {
        for asked in [ADDRESS, LOST_ADDRESS, ELSEWHERE] {
            assert_eq!(silence(&table(), &Message::init_reboot(stranger(), asked)), Why::UnknownMac);
        }
    }

    #[test]
    fn a_guest_that_lost_its_address_learns_it() {
        let nak = answer(&table(), &Message::init_reboot(dispossessed(), LOST_ADDRESS));
        assert_eq!(kind(&nak), MessageType::Nak);
        assert_eq!(nak.reply.why, Why::Lost { asked: LOST_ADDRESS });
        assert_eq!(nak.reply.lease, None);
    }

    #[test]
    fn a_guest_that_lost_its_address_may_have_another_from_another_server() {
        let message = Message::init_reboot(dispossessed(), ELSEWHERE);
        assert_eq!(silence(&table(), &message), Why::UnknownMac);
    }
}

mod renewing_or_rebinding {
    use super::*;

    #[test]
    fn the_right_address_is_extended() {
        let ack = answer(&table(), &Message::extending(known(), ADDRESS));
        assert_eq!(kind(&ack), MessageType::Ack);
        assert_eq!((ack.message.yiaddr(), ack.message.ciaddr()), (ADDRESS, ADDRESS));
        assert_eq!(ack.lease_time(), Some(300));
        assert_eq!(ack.reply.why, Why::Extended);
    }

    #[test]
    fn another_address_is_refused() {
        for asked in [NEIGHBOUR, ELSEWHERE] {
            assert_eq!(kind(&answer(&table(), &Message::extending(known(), asked))), MessageType::Nak);
        }
    }

    #[test]
    fn a_guest_that_lost_its_address_learns_it() {
        let nak = answer(&table(), &Message::extending(dispossessed(), LOST_ADDRESS));
        assert_eq!(nak.reply.why, Why::Lost { asked: LOST_ADDRESS });
    }

    #[test]
    fn a_card_that_moved_to_another_address_is_refused_the_old_one() {
        let mut allocations = allocations();
        allocations.held.insert("192.168.48.84".parse().unwrap(), dispossessed());
        let table = LeaseTable::build(&pool(json!({})), &allocations, &Extras::default());
        let nak = answer(&table, &Message::extending(dispossessed(), LOST_ADDRESS));
        assert_eq!(nak.reply.why, Why::Lost { asked: LOST_ADDRESS });
        assert_eq!(nak.reply.lease, table.lookup(dispossessed()));
    }

    #[test]
    fn an_unknown_card_hears_nothing() {
        assert_eq!(silence(&table(), &Message::extending(stranger(), ADDRESS)), Why::UnknownMac);
    }

    #[test]
    fn options_50_and_54_do_no_harm_as_long_as_they_say_the_same() {
        let extending = || Message::extending(known(), ADDRESS);
        let (address, server) =
            (DhcpOption::RequestedIpAddress(ADDRESS), DhcpOption::ServerIdentifier(SERVER));
        for message in [
            extending().with(address.clone()),
            extending().with(server.clone()),
            extending().with(address).with(server),
        ] {
            assert_eq!(answer(&table(), &message).reply.why, Why::Extended);
        }
    }

    #[test]
    fn whoever_takes_an_offer_has_it_though_it_still_names_an_address_that_it_has_lost() {
        let message = Message::selecting(known(), SERVER, ADDRESS).from(NEIGHBOUR);
        let ack = answer(&table(), &message);
        assert_eq!((kind(&ack), ack.reply.why), (MessageType::Ack, Why::Bound));
        assert_eq!(ack.message.yiaddr(), ADDRESS);
        let elsewhere = Message::selecting(known(), ELSEWHERE, ADDRESS).from(NEIGHBOUR);
        assert_eq!(silence(&table(), &elsewhere), Why::OtherServer { server: ELSEWHERE });
    }

    #[test]
    fn whoever_means_another_server_hears_nothing_from_this_one() {
        let message = Message::extending(known(), ADDRESS).with(DhcpOption::ServerIdentifier(ELSEWHERE));
        assert_eq!(silence(&table(), &message), Why::OtherServer { server: ELSEWHERE });
    }

    #[test]
    fn the_second_address_of_a_card_goes_on_being_granted_though_not_offered() {
        let mut allocations = allocations();
        allocations.held.insert("192.168.48.85".parse().unwrap(), known());
        let table = LeaseTable::build(&pool(json!({})), &allocations, &Extras::default());
        assert_eq!(answer(&table, &Message::discover(known())).message.yiaddr(), ADDRESS);
        for address in [ADDRESS, "192.168.48.85".parse().unwrap()] {
            assert_eq!(answer(&table, &Message::extending(known(), address)).message.yiaddr(), address);
        }
    }
}

mod an_agent_that_may_be_behind {
    use super::*;

    #[test]
    fn refuses_nobody() {
        for (message, asked) in [
            (Message::selecting(known(), SERVER, NEIGHBOUR), NEIGHBOUR),
            (Message::init_reboot(known(), ELSEWHERE), ELSEWHERE),
            (Message::extending(known(), NEIGHBOUR), NEIGHBOUR),
            (Message::extending(dispossessed(), LOST_ADDRESS), LOST_ADDRESS),
        ] {
            let decision = decide(&table(), Authority::Stale, &message.bytes());
            assert_eq!(decision.err(), Some(Why::NotCurrent { asked }));
        }
    }

    #[test]
    fn goes_on_granting_what_it_knows() {
        for message in [
            Message::selecting(known(), SERVER, ADDRESS),
            Message::init_reboot(known(), ADDRESS),
            Message::extending(known(), ADDRESS),
        ] {
            let ack = decide(&table(), Authority::Stale, &message.bytes()).ok().unwrap();
            assert_eq!(kind(&ack), MessageType::Ack);
        }
    }
}
