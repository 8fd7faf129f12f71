// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Names

/// Where metrics can be read.
///
/// ```
/// address = "none" | "unix:" path | [host] ":" port
/// host    = an IPv4 address | "[" an IPv6 address "]"; 127.0.0.1 if left out
/// ```
/// A name is no host: what it stands for could change, and with it who can read.
enum MetricsAddress: Sendable, Equatable {
    case none
    case socket(Host, port: UInt16)
    case unix(FilePath)

    /// An address of this machine, as text that `inet_pton` takes.
    enum Host: Sendable, Equatable {
        case version4(String)
        case version6(String)
    }

    /// What stands for the Galaxy server's name in a path.
    private static let placeholder = Array("{server}".utf8)
    /// The longest path of a socket (unix(7)), less the closing NUL.
    private static let longestPath = 107

    init(_ text: String) throws(BadValue) {
        let bytes = Array(text.utf8)
        let scheme = Array("unix:".utf8)
        if text == "none" {
            self = .none
        } else if bytes.starts(with: scheme) {
            let path = try ConfigValues.path(
                String(decoding: bytes.dropFirst(scheme.count), as: UTF8.self)
            )
            guard path.bytes.count <= Self.longestPath else {
                throw Self.bad("a socket's path has at most \(Self.longestPath) bytes")
            }
            self = .unix(path)
        } else {
            self = try Self.socket(bytes)
        }
    }

    /// The address for one Galaxy server.
    ///
    /// - Parameter name: as it stands in file names.
    func of(server name: String) -> MetricsAddress {
        guard case .unix(let path) = self else { return self }
        let bytes = path.bytes
        let length = Self.placeholder.count
        let cut = bytes.indices.first { bytes[$0...].starts(with: Self.placeholder) }
        guard let cut else { return self }
        let named = bytes[..<cut] + Array(name.utf8) + bytes[(cut + length)...]
        guard let path = try? FilePath(named), path.bytes.count <= Self.longestPath else {
            return self
        }
        return .unix(path)
    }

    private static func socket(_ bytes: [UInt8]) throws(BadValue) -> MetricsAddress {
        guard let cut = bytes.lastIndex(of: UInt8(ascii: ":")),
            let port = UInt16(String(decoding: bytes[(cut + 1)...], as: UTF8.self))
        else { throw bad("there is no port") }
        let host = bytes[..<cut]
        if host.isEmpty { return .socket(.version4("127.0.0.1"), port: port) }
        if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
            let text = String(decoding: host.dropFirst().dropLast(), as: UTF8.self)
            var address = in6_addr()
            guard inet_pton(AF_INET6, text, &address) == 1 else { throw bad("no IPv6 address") }
            return .socket(.version6(text), port: port)
        }
        let text = String(decoding: host, as: UTF8.self)
        var address = in_addr()
        guard inet_pton(AF_INET, text, &address) == 1 else { throw bad("the host is no address") }
        return .socket(.version4(text), port: port)
    }

    private static func bad(_ why: String) -> BadValue {
        BadValue(why: why, remedy: "Write \(ConfigSchema.metricsListen.key.expected).")
    }
}

extension MetricsAddress: CustomStringConvertible {
    /// As it is written in the configuration.
    var description: String {
        switch self {
        case .none: "none"
        case .unix(let path): "unix:\(path.logSafe)"
        case .socket(.version4(let host), let port): "\(host):\(port)"
        case .socket(.version6(let host), let port): "[\(host)]:\(port)"
        }
    }
}
