//! What the rules are put together from: CEL that says of an expression `x` what it is.

/// Without the blanks around it.
pub(super) fn trimmed(x: &str) -> String {
    format!("{x}.trim()")
}

/// Whether the text is an IPv4 address.
pub(super) fn is_ipv4(x: &str) -> String {
    format!("(isIP({x}) && ip({x}).family() == 4)")
}

/// Whether the text is an IPv4 subnet.
pub(super) fn is_subnet(x: &str) -> String {
    format!("(isCIDR({x}) && cidr({x}).ip().family() == 4)")
}

/// Whether hosts can be where an IPv4 subnet begins.
pub(super) fn is_unicast(x: &str) -> String {
    ["0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"]
        .map(|elsewhere| format!("!cidr('{elsewhere}').containsIP(cidr({x}).masked().ip())"))
        .join(" && ")
}

/// Whether the text is a subnet that a pool can have.
pub(super) fn is_usable_subnet(x: &str) -> String {
    let length = format!("cidr({x}).prefixLength()");
    format!("({} && {length} > 0 && {length} <= 30 && {})", is_subnet(x), is_unicast(x))
}

/// An IPv4 address as a number.
pub(super) fn number(x: &str) -> String {
    format!(
        "[{x}.split('.')].map(byte, int(byte[0]) * 16777216 + int(byte[1]) * 65536 + int(byte[2]) * 256 + int(byte[3]))[0]"
    )
}

/// How many addresses an IPv4 subnet has.
pub(super) fn size(x: &str) -> String {
    let sizes: Vec<_> = (0..=32).map(|length| (1_u64 << (32 - length)).to_string()).collect();
    format!("[{}][cidr({x}).prefixLength()]", sizes.join(", "))
}

/// The part of a text before, and that after, the first `separator`; the text must have one.
pub(super) fn parts(x: &str, separator: char) -> (String, String) {
    (
        format!("{x}.substring(0, {x}.indexOf('{separator}')).trim()"),
        format!("{x}.substring({x}.indexOf('{separator}') + 1).trim()"),
    )
}

/// Whether the text is a domain name as [`crate::pool`] takes it, with or without a final dot.
pub(super) fn is_domain_name(x: &str) -> String {
    format!(r"{x}.matches('^(\\w([-\\w]{{0,61}}\\w)?([.]|$))+$')")
}

/// Whether something stands where the name of a network has to be, and where its namespace is.
pub(super) fn names_a_network(x: &str) -> String {
    format!(r"{x}.matches('^[^/]*[^/\\s][^/]*(/.*\\S.*)?$')")
}

/// Whether the text is `NAME` or `NAMESPACE/NAME`, of names that Kubernetes takes.
pub(super) fn is_network_name(x: &str) -> String {
    const NAME: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
    let (namespace, name) = parts(x, '/');
    format!(
        r"{x}.matches('^\\s*({NAME}\\s*/\\s*)?{NAME}\\s*$') && ({x}.contains('/') ? {namespace}.size() <= 63 && {name}.size() <= 253 : {x}.trim().size() <= 253)"
    )
}

/// Whether the text is twelve hexadecimal digits in one of the groupings of a MAC address.
pub(super) fn is_mac(x: &str) -> String {
    format!(
        "{x}.trim().matches('^((([0-9a-fA-F]{{2}}:){{5}}|([0-9a-fA-F]{{2}}-){{5}})[0-9a-fA-F]{{2}}|([0-9a-fA-F]{{4}}[.]){{2}}[0-9a-fA-F]{{4}})$')"
    )
}

/// Whether the group bit of a MAC address is set.
pub(super) fn is_multicast(x: &str) -> String {
    format!("{x}.trim().matches('^.[13579bdfBDF]')")
}

/// Whether all digits of a MAC address are zero.
pub(super) fn is_zero(x: &str) -> String {
    format!("{x}.trim().matches('^[-0:.]*$')")
}

/// The digits of a MAC address, the same in all spellings.
pub(super) fn mac_digits(x: &str) -> String {
    format!("{x}.trim().lowerAscii().replace(':', '').replace('-', '').replace('.', '')")
}
