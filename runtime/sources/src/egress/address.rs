//! Which addresses are nobody's business but the operator's: a pure function over two tables.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use negawatt_config::{AddressRange, HttpOrigin};
use negawatt_host::grants::HttpRule;

/// Ranges of IPv4 that are not public, after IANA's registry of special addresses, and what clouds answer at.
const SPECIAL_V4: [([u8; 4], u32, &str); 19] = [
    ([0, 0, 0, 0], 8, "unspecified"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 64, 0, 0], 10, "shared between carriers and their customers"),
    ([127, 0, 0, 0], 8, "loopback"),
    ([168, 63, 129, 16], 32, "the metadata of a cloud"),
    ([169, 254, 169, 254], 32, "the metadata of a cloud"),
    ([169, 254, 0, 0], 16, "link-local"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 0], 24, "for protocols"),
    ([192, 0, 2, 0], 24, "for documentation"),
    ([192, 88, 99, 0], 24, "a relay to IPv6 (6to4)"),
    ([192, 168, 0, 0], 16, "private"),
    ([198, 18, 0, 0], 15, "for benchmarks"),
    ([198, 51, 100, 0], 24, "for documentation"),
    ([203, 0, 113, 0], 24, "for documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([233, 252, 0, 0], 24, "for documentation"),
    ([255, 255, 255, 255], 32, "broadcast"),
    ([240, 0, 0, 0], 4, "reserved"),
];

/// The same for IPv6. The ranges that hold addresses of IPv4 are refused as a whole, whatever is in them: a public address has
/// no need to come so.
const SPECIAL_V6: [([u16; 8], u32, &str); 18] = [
    ([0, 0, 0, 0, 0, 0, 0, 0], 128, "unspecified"),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback"),
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96, "an address of IPv4, mapped"),
    ([0, 0, 0, 0, 0, 0, 0, 0], 96, "an address of IPv4, in the old form"),
    ([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96, "an address of IPv4, translated (NAT64)"),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "an address of IPv4, translated (NAT64)"),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discarded"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 32, "an address of IPv4, tunnelled (Teredo)"),
    ([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, "for benchmarks"),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "for protocols"),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "for documentation"),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "an address of IPv4, tunnelled (6to4)"),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "for documentation"),
    ([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128, "the metadata of a cloud"),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "private (unique local)"),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local"),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "private (site-local)"),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast"),
];

/// What an address is where it is not public.
pub fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            let inside = |network: [u8; 4], bits: u32| {
                (address.to_bits() ^ Ipv4Addr::from(network).to_bits()).leading_zeros() >= bits
            };
            SPECIAL_V4.iter().find(|(network, bits, _)| inside(*network, *bits)).map(|(_, _, what)| *what)
        }
        IpAddr::V6(address) => {
            let inside = |network: [u16; 8], bits: u32| {
                (address.to_bits() ^ Ipv6Addr::from(network).to_bits()).leading_zeros() >= bits
            };
            let found = SPECIAL_V6.iter().find(|(network, bits, _)| inside(*network, *bits)).map(|(_, _, what)| *what);
            // Of the rest, nothing outside of 2000::/3 was ever given to anybody.
            found.or_else(|| (!inside([0x2000, 0, 0, 0, 0, 0, 0, 0], 3)).then_some("reserved"))
        }
    }
}

/// Whether a rule allows an address to be dialled for one of its origins: public ones, those in the ranges that it lists, and
/// the one that the origin itself names.
pub fn allows(rule: &HttpRule, origin: &HttpOrigin, address: IpAddr) -> bool {
    let is_listed = |range: &AddressRange| range.contains(address);
    special(address).is_none() || rule.addresses.iter().any(is_listed) || origin.host.parse() == Ok(address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_range_from_its_first_address_to_its_last_and_no_further() {
        for (first, last) in [
            ("0.0.0.0", "0.255.255.255"),
            ("10.0.0.0", "10.255.255.255"),
            ("100.64.0.0", "100.127.255.255"),
            ("127.0.0.0", "127.255.255.255"),
            ("168.63.129.16", "168.63.129.16"),
            ("169.254.0.0", "169.254.255.255"),
            ("172.16.0.0", "172.31.255.255"),
            ("192.0.0.0", "192.0.0.255"),
            ("192.0.2.0", "192.0.2.255"),
            ("192.88.99.0", "192.88.99.255"),
            ("192.168.0.0", "192.168.255.255"),
            ("198.18.0.0", "198.19.255.255"),
            ("198.51.100.0", "198.51.100.255"),
            ("203.0.113.0", "203.0.113.255"),
            ("224.0.0.0", "255.255.255.255"),
            ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            let (first, last): (IpAddr, IpAddr) = (first.parse().unwrap(), last.parse().unwrap());
            assert!(special(first).is_some() && special(last).is_some(), "{first} {last}");
            for beside in [neighbour(first, false), neighbour(last, true)].into_iter().flatten() {
                assert_eq!(special(beside), None, "{beside}");
            }
        }
        for (address, what) in [
            ("169.254.169.254", "metadata"),
            ("fd00:ec2::254", "metadata"),
            ("169.254.1.1", "link-local"),
            ("::1", "loopback"),
            ("::ffff:8.8.8.8", "mapped"),
            ("64:ff9b::8.8.8.8", "NAT64"),
            ("2001::1", "Teredo"),
            ("fe80::1", "link-local"),
            ("ff02::1", "multicast"),
            ("5f00::1", "reserved"),
        ] {
            let found = special(address.parse().unwrap()).unwrap_or_default();
            assert!(found.contains(what), "{address}: {found}");
        }
        for address in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "2a00:1450::1", "2001:4860::8888"] {
            assert_eq!(special(address.parse().unwrap()), None, "{address}");
        }
    }

    fn neighbour(address: IpAddr, after: bool) -> Option<IpAddr> {
        match address {
            IpAddr::V4(address) if after => {
                address.to_bits().checked_add(1).map(|bits| Ipv4Addr::from_bits(bits).into())
            }
            IpAddr::V4(address) => address.to_bits().checked_sub(1).map(|bits| Ipv4Addr::from_bits(bits).into()),
            IpAddr::V6(address) if after => {
                address.to_bits().checked_add(1).map(|bits| Ipv6Addr::from_bits(bits).into())
            }
            IpAddr::V6(address) => address.to_bits().checked_sub(1).map(|bits| Ipv6Addr::from_bits(bits).into()),
        }
    }

    /// An address of IPv4 in every range of IPv6 that holds such.
    fn embedded(address: Ipv4Addr) -> Vec<Ipv6Addr> {
        let low = u128::from(address.to_bits());
        let at = |network: &str, shift: u32| {
            Ipv6Addr::from_bits(network.parse::<Ipv6Addr>().unwrap().to_bits() | low << shift)
        };
        vec![
            address.to_ipv6_mapped(),
            address.to_ipv6_compatible(),
            at("::ffff:0:0:0", 0),
            at("64:ff9b::", 0),
            at("64:ff9b:1::", 0),
            at("64:ff9b:1::", 48),
            at("2002::", 80),
            // A tunnel's server, and its client behind all ones.
            at("2001::", 64),
            Ipv6Addr::from_bits("2001::".parse::<Ipv6Addr>().unwrap().to_bits() | u128::from(!address.to_bits())),
        ]
    }

    fn rule(addresses: &[&str]) -> HttpRule {
        HttpRule {
            origins: Default::default(),
            methods: Default::default(),
            addresses: addresses.iter().map(|range| AddressRange::parse(range).unwrap()).collect(),
            secrets: Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn no_form_of_an_address_passes_that_does_not_pass_by_itself(bits: u32) {
            for address in embedded(Ipv4Addr::from_bits(bits)) {
                prop_assert!(special(address.into()).is_some(), "{address}");
            }
        }

        #[test]
        fn the_standard_library_agrees(bits: u32, long: u128) {
            let v4 = Ipv4Addr::from_bits(bits);
            if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast()
                || v4.is_unspecified() || v4.is_documentation()
            {
                prop_assert!(special(v4.into()).is_some(), "{v4}");
            }
            let v6 = Ipv6Addr::from_bits(long);
            let is_not_global = v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unique_local()
                || v6.is_multicast() || v6.is_unspecified();
            prop_assert!(!is_not_global || special(v6.into()).is_some(), "{v6}");
            prop_assert!(v6.segments()[0] & 0xe000 == 0x2000 || special(v6.into()).is_some(), "{v6}");
        }

        #[test]
        fn what_is_listed_is_allowed_and_nothing_beside_it(bits: u32, long: u128) {
            let origin = HttpOrigin::parse("http://metadata.example").unwrap();
            for address in [IpAddr::from(Ipv4Addr::from_bits(bits)), Ipv6Addr::from_bits(long).into()] {
                prop_assert_eq!(allows(&rule(&[]), &origin, address), special(address).is_none());
                prop_assert!(allows(&rule(&[&address.to_string()]), &origin, address));
                let other = neighbour(address, true).or(neighbour(address, false)).unwrap();
                prop_assert_eq!(allows(&rule(&[&address.to_string()]), &origin, other), special(other).is_none());
            }
            prop_assert!(allows(&rule(&["0.0.0.0/0"]), &origin, Ipv4Addr::from_bits(bits).into()));
        }
    }

    #[test]
    fn a_literal_origin_lists_its_own_address_alone() {
        for (origin, address, may) in [
            ("http://127.0.0.1:8080", "127.0.0.1", true),
            ("http://127.0.0.1:8080", "127.0.0.2", false),
            ("http://127.0.0.1:8080", "::ffff:127.0.0.1", false),
            ("http://[::1]", "::1", true),
            ("http://localhost", "127.0.0.1", false),
            ("http://127.1", "127.0.0.1", false),
        ] {
            let (origin, address) = (HttpOrigin::parse(origin).unwrap(), address.parse().unwrap());
            assert_eq!(allows(&rule(&[]), &origin, address), may, "{origin} {address}");
        }
        // A range of IPv4 lists no other form of its addresses.
        let origin = HttpOrigin::parse("http://a.example").unwrap();
        assert!(!allows(&rule(&["127.0.0.0/8"]), &origin, "::ffff:127.0.0.1".parse().unwrap()));
    }
}
