// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// An endpoint URL taken apart, byte by byte.
struct S3EndpointText {
    let text: String
    let isTLS: Bool
    let host: String
    let port: Int?

    init(_ text: String) throws(S3Error) {
        func refuse(_ why: String, _ remedy: String) -> S3Error {
            .configuration("Cannot use the endpoint \(text.logSafe): \(why)", remedy: remedy)
        }
        let form = "Write it as https://host or https://host:port."
        self.text = text
        var rest = Array(text.utf8)[...]
        if rest.starts(with: "https://".utf8) {
            isTLS = true
            rest = rest.dropFirst(8)
        } else if rest.starts(with: "http://".utf8) {
            isTLS = false
            rest = rest.dropFirst(7)
        } else {
            throw refuse("it does not begin with https:// or http://", form)
        }
        while rest.last == UInt8(ascii: "/") { rest = rest.dropLast() }
        if rest.contains(UInt8(ascii: "@")) {
            // The text holds a password: it is not repeated.
            throw .configuration(
                "Cannot use an endpoint with a user name or password in it",
                remedy: "Take them out; keys come from the credential chain."
            )
        }
        if rest.contains(where: { "/?#".utf8.contains($0) }) {
            throw refuse("it has a path", form + " The bucket has a setting of its own.")
        }
        var name = rest
        var portDigits: ArraySlice<UInt8>?
        if rest.first == UInt8(ascii: "[") {
            guard let close = rest.firstIndex(of: UInt8(ascii: "]")) else {
                throw refuse("the bracket of its IPv6 address is not closed", form)
            }
            name = rest[rest.index(after: rest.startIndex)..<close]
            let after = rest[rest.index(after: close)...]
            if !after.isEmpty {
                guard after.first == UInt8(ascii: ":") else {
                    throw refuse("its port is odd", form)
                }
                portDigits = after.dropFirst()
            }
            guard name.contains(UInt8(ascii: ":")),
                name.allSatisfy({ Self.hexDigits.contains($0) || ":.".utf8.contains($0) })
            else { throw refuse("its IPv6 address is not one", form) }
        } else if let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
            name = rest[..<colon]
            portDigits = rest[rest.index(after: colon)...]
        }
        guard !name.isEmpty, name.count <= 253 else { throw refuse("it names no host", form) }
        guard rest.first == UInt8(ascii: "[") || name.allSatisfy(Self.isHostByte) else {
            throw refuse("its host holds a character no host name has", form)
        }
        if let portDigits {
            guard portDigits.count <= 5, portDigits.allSatisfy(Self.digits.contains),
                let number = Int(String(decoding: portDigits, as: UTF8.self)),
                (1...65535).contains(number)
            else { throw refuse("its port is not a number from 1 to 65535", form) }
            port = number
        } else {
            port = nil
        }
        host = String(decoding: name, as: UTF8.self)
    }

    /// Scheme, host and port as a URL has them, without a slash at the end.
    var origin: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return "\(isTLS ? "https" : "http")://\(name)" + (port.map { ":\($0)" } ?? "")
    }

    /// Whether the host is this machine: `localhost`, 127.0.0.0/8 or ::1.
    var isLoopback: Bool {
        host == "localhost" || host == "::1" || (isAddress && host.utf8.starts(with: "127.".utf8))
    }

    /// Whether the host is an address and not a name.
    var isAddress: Bool {
        host.utf8.contains(UInt8(ascii: ":"))
            || host.utf8.allSatisfy { Self.digits.contains($0) || $0 == UInt8(ascii: ".") }
    }

    private static let digits = Set("0123456789".utf8)
    private static let hexDigits = Set("0123456789abcdefABCDEF".utf8)

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"):
            true
        default:
            false
        }
    }
}
