// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Whom no proxy is asked for: a list of names, suffixes, networks, or `*`, each with or without a port.
///
/// libcurl knows no ports, `*` only by itself, and no `*.example.org`, so it is given a list for each
/// origin.
struct ProxyExceptions {
    private typealias Bytes = ArraySlice<UInt8>
    private static let star = UInt8(ascii: "*")
    private static let colon = UInt8(ascii: ":")

    private let entries: [Bytes]

    init(_ text: String) {
        entries = Array(text.utf8).split { ", \t\r\n".utf8.contains($0) }
    }

    /// What `no_proxy` says, else `NO_PROXY`, as libcurl reads them.
    static func ofEnvironment() -> ProxyExceptions {
        for name in ["no_proxy", "NO_PROXY"] {
            guard let value = getenv(name), value.pointee != 0 else { continue }
            return ProxyExceptions(String(cString: value))
        }
        return ProxyExceptions("")
    }

    /// The list for requests to `origin`: an entry with another port than its own is left out.
    func list(for origin: Origin) -> String {
        let hosts = entries.compactMap { entry -> Bytes? in
            guard let (host, port) = Self.split(entry) else { return entry }
            return port == origin.port ? host : nil
        }
        if hosts.contains([Self.star]) { return "*" }
        return hosts.map { $0.starts(with: "*.".utf8) ? $0.dropFirst() : $0 }
            .map { String(decoding: $0, as: UTF8.self) }
            .joined(separator: ",")
    }

    /// `host:port` taken apart; nil for an entry without a port, such as an address of IPv6.
    private static func split(_ entry: Bytes) -> (host: Bytes, port: Int)? {
        guard let end = entry.lastIndex(of: colon),
            let port = Int(String(decoding: entry[(end + 1)...], as: UTF8.self))
        else { return nil }
        let host = entry[..<end]
        let isBracketed = host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]")
        guard isBracketed || !host.contains(colon) else { return nil }
        return (isBracketed ? host.dropFirst().dropLast() : host, port)
    }
}
