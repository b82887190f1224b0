//! Lists of networks: `10.0.0.0/8,::1`.

use ipnet::IpNet;
use std::net::IpAddr;

const WHAT: &str = "must be networks such as 10.0.0.0/8 or addresses, separated by commas";

/// Reads networks; a bare address is the network of that address alone.
pub fn parse(text: &str) -> Result<Vec<IpNet>, &'static str> {
    text.split(',').map(|part| one(part.trim())).collect()
}

fn one(text: &str) -> Result<IpNet, &'static str> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    network.map(|network| network.trunc()).map_err(|_| WHAT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_addresses_are_read() {
        let networks = parse("10.1.2.3/8, ::1,192.168.0.0/16").unwrap();
        let texts: Vec<String> = networks.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["10.0.0.0/8", "::1/128", "192.168.0.0/16"]);
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "10.0.0.0/33", "localhost", "10.0.0.0/8,", "none", "10.0.0"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
