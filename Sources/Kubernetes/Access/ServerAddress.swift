// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// Where requests go, taken from a server's URL.
struct ServerAddress: Sendable, Equatable {
    /// What URLs begin with: scheme, host, port and path, without a slash at the end.
    let base: String
    /// The `Host` field, where it is not what `base` says.
    let hostField: String?
    /// `host:port` that connections are made to, where it is not what `base` says.
    let connectTo: String?
    let isTLS: Bool
    let isLoopback: Bool

    /// - Parameters:
    ///   - server: an http or https URL; nothing of a user, a query or a fragment.
    ///   - tlsServerName: the name in its certificate, where it is another one.
    /// - Returns: nil when it is none.
    init?(_ server: String, tlsServerName: String? = nil) {
        let bytes = Array(server.utf8)
        guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }),
            !bytes.contains(where: { "?#@\\".utf8.contains($0) })
        else { return nil }
        let scheme: String
        if bytes.starts(with: "https://".utf8) {
            scheme = "https://"
        } else if bytes.starts(with: "http://".utf8) {
            scheme = "http://"
        } else {
            return nil
        }
        isTLS = scheme.utf8.count == 8
        let rest = bytes.dropFirst(scheme.utf8.count)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") }
        var path = rest.dropFirst(authority.count)
        while path.last == UInt8(ascii: "/") { path.removeLast() }
        guard let (host, port) = Self.split(authority) else { return nil }
        let shownHost = String(decoding: host, as: UTF8.self)
        isLoopback = ["127.0.0.1", "localhost", "[::1]"].contains(shownHost)
        let portText = port.map { ":\($0)" } ?? ""
        let pathText = String(decoding: path, as: UTF8.self)
        if let tlsServerName {
            let name = Array(tlsServerName.utf8)
            guard !name.isEmpty,
                name.allSatisfy({
                    (0x21...0x7e).contains($0) && !"/?#@\\:[]".utf8.contains($0)
                })
            else { return nil }
            base = scheme + tlsServerName + portText + pathText
            hostField = shownHost + portText
            connectTo = "\(shownHost):\(port ?? (isTLS ? 443 : 80))"
        } else {
            base = scheme + shownHost + portText + pathText
            hostField = nil
            connectTo = nil
        }
    }

    /// Host, with the brackets of an IPv6 address, and port.
    private static func split(
        _ authority: ArraySlice<UInt8>
    ) -> (host: ArraySlice<UInt8>, port: Int?)? {
        let colon = UInt8(ascii: ":")
        var host = authority
        var port: Int?
        let afterAddress = authority.lastIndex(of: UInt8(ascii: "]")) ?? authority.startIndex
        if let cut = authority[afterAddress...].lastIndex(of: colon) {
            host = authority[..<cut]
            let digits = authority[(cut + 1)...]
            guard (1...5).contains(digits.count),
                digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = Int(String(decoding: digits, as: UTF8.self)),
                (1...65535).contains(number)
            else { return nil }
            port = number
        }
        let isAddress = host.first == UInt8(ascii: "[") && host.last == UInt8(ascii: "]")
        guard !host.isEmpty, isAddress || !host.contains(colon) else { return nil }
        return (host, port)
    }
}
