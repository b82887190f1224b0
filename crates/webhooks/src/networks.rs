//! Says which addresses endpoints may have. Knows nothing of names, URLs or sockets.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The development set, as a word that `parse` takes.
const LOOPBACK_AND_PRIVATE: &str = "loopback and private";
const LOOPBACK_AND_PRIVATE_NETS: [&str; 6] =
    ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/// IPv4 networks that are no public place to deliver to.
const NOT_PUBLIC_V4: [(Ipv4Addr, u8); 17] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),          // this network, unspecified
    (Ipv4Addr::new(10, 0, 0, 0), 8),         // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),      // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),        // loopback
    (Ipv4Addr::new(168, 63, 129, 16), 32),   // a cloud's metadata, in public space
    (Ipv4Addr::new(169, 254, 0, 0), 16),     // link-local, metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12),      // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),       // protocol assignments, metadata
    (Ipv4Addr::new(192, 0, 2, 0), 24),       // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),     // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),     // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),      // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24),    // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),     // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),        // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),        // reserved
    (Ipv4Addr::new(255, 255, 255, 255), 32), // broadcast
];

/// IPv6 networks inside 2000::/3 that are no public place; outside it nothing is.
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Networks that endpoints may stand in although they are not public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedNetworks(Vec<IpNet>);

impl AllowedNetworks {
    /// No exceptions: production's default.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Loopback and private addresses: development's default.
    #[must_use]
    pub fn loopback_and_private() -> Self {
        Self(LOOPBACK_AND_PRIVATE_NETS.iter().filter_map(|net| net.parse().ok()).collect())
    }

    /// Takes `none`, `loopback and private`, or networks (`10.0.0.0/8`) and addresses separated by commas.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" | "none" => Ok(Self::none()),
            LOOPBACK_AND_PRIVATE => Ok(Self::loopback_and_private()),
            list => list.split(',').map(|part| network(part.trim())).collect::<Result<_, _>>().map(Self),
        }
    }

    /// Whether one of the networks holds that address, written in whichever form.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let holds = |address: IpAddr| self.0.iter().any(|net| net.contains(&address));
        holds(address) || inner_v4(address).is_some_and(|v4| holds(IpAddr::V4(v4)))
    }

    /// Whether deliveries may go to that address.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        is_public(address) || self.contains(address)
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let parsed = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    parsed.map_err(|_| format!("\"{text}\" is no network such as 10.0.0.0/8 and no address"))
}

/// The IPv4 address that an IPv6 one stands for: mapped, behind NAT64, or 6to4.
fn inner_v4(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let [a, b, c, .., y, z] = v6.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Some(join(y, z)),
        _ if a == 0x2002 => Some(join(b, c)),
        _ => v6.to_ipv4_mapped(),
    }
}

/// Whether the address is one of the public internet.
fn is_public(address: IpAddr) -> bool {
    match (address, inner_v4(address)) {
        (IpAddr::V4(v4), _) | (IpAddr::V6(_), Some(v4)) => {
            !NOT_PUBLIC_V4.iter().any(|(net, bits)| same_prefix(&v4.octets(), &net.octets(), *bits))
        }
        (IpAddr::V6(v6), None) => {
            v6.segments()[0] & 0xe000 == 0x2000
                && !NOT_PUBLIC_V6.iter().any(|(net, bits)| same_prefix(&v6.octets(), &net.octets(), *bits))
        }
    }
}

fn same_prefix(address: &[u8], net: &[u8], bits: u8) -> bool {
    let (whole, rest) = (usize::from(bits / 8), bits % 8);
    let mask = !(0xff_u8.checked_shr(rest.into()).unwrap_or(0));
    address[..whole] == net[..whole] && (rest == 0 || address[whole] & mask == net[whole] & mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_not_public_is_refused_in_every_spelling() {
        for text in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "169.254.169.254",
            "168.63.129.16",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "198.19.255.255",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2002:a9fe:a9fe::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "100::1",
        ] {
            assert!(!AllowedNetworks::none().permits(address(text)), "{text}");
        }
    }

    #[test]
    fn what_is_public_is_permitted() {
        for text in [
            "8.8.8.8",
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001:80b::200e",
        ] {
            assert!(AllowedNetworks::none().permits(address(text)), "{text}");
        }
    }

    #[test]
    fn the_allowed_networks_open_exceptions_and_nothing_else() {
        let allowed = AllowedNetworks::parse("10.1.0.0/16, 127.0.0.1,fd00::/8").unwrap();
        for text in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "127.0.0.1", "fd12::1", "9.9.9.9"] {
            assert!(allowed.permits(address(text)), "{text}");
        }
        for text in ["10.2.0.1", "127.0.0.2", "fc00::1", "169.254.169.254"] {
            assert!(!allowed.permits(address(text)), "{text}");
        }
    }

    #[test]
    fn the_words_and_lists_are_understood_and_mistakes_named() {
        assert_eq!(AllowedNetworks::parse("none"), Ok(AllowedNetworks::none()));
        let development = AllowedNetworks::parse(LOOPBACK_AND_PRIVATE).unwrap();
        assert_eq!(development, AllowedNetworks::loopback_and_private());
        assert!(development.permits(address("127.0.0.1")) && development.permits(address("::1")));
        assert!(!development.permits(address("169.254.169.254")));
        assert!(AllowedNetworks::parse("10.0.0.0/33").unwrap_err().contains("10.0.0.0/33"));
    }

    proptest! {
        #[test]
        fn an_ipv4_address_gets_the_same_verdict_in_all_its_ipv6_forms(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let [a, b, c, d] = v4.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let forms = [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ];
            for allowed in [AllowedNetworks::none(), AllowedNetworks::loopback_and_private()] {
                for form in forms {
                    prop_assert_eq!(allowed.permits(IpAddr::V4(v4)), allowed.permits(IpAddr::V6(form)));
                }
            }
        }
    }
}
