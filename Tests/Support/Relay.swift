// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Passes bytes on between a client and a server that speak TLS 1.3, for a proxy that opens a tunnel, and
/// loses the last ones that the server says.
final class Relay {
    private let client: Int32
    private let server: Int32
    private let withheld: Int
    /// What the server has said and the client has not been given.
    private var last: [UInt8] = []
    /// How much it has been given; what TLS has to agree on is all in the first bytes.
    private var passed = 0
    private static let opening = 8 << 10
    private var goodbye = Goodbye()

    /// Connects to the server; nil if it is not there.
    init?(client: Int32, port: Int, withholding withheld: Int) {
        self.client = client
        self.withheld = withheld
        server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let server = self.server
        let status = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(server, $0, size) }
        }
        guard status == 0 else { return nil }
    }

    deinit { close(server) }

    /// Finds the end of what the server says, which waits for the client's before it ends: the record of an
    /// alert is the only one of its length.
    private struct Goodbye {
        private static let length = 2 + 1 + 16
        private var head: [UInt8] = []
        private var missing = 0
        private(set) var isSaid = false

        mutating func take(_ bytes: [UInt8]) {
            for byte in bytes {
                if missing > 0 {
                    missing -= 1
                } else {
                    head.append(byte)
                    guard head.count == 5 else { continue }
                    missing = Int(head[3]) << 8 | Int(head[4])
                }
                guard missing == 0 else { continue }
                isSaid = head[0] == 23 && Int(head[3]) << 8 | Int(head[4]) == Self.length
                head = []
            }
        }
    }

    /// True when the server has said all, false when the client has ended.
    func run(_ beginning: [UInt8]) -> Bool {
        guard Self.send(beginning[...], to: server) else { return true }
        var ends = [client, server].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while poll(&ends, nfds_t(ends.count), -1) > 0 {
            if ends[0].revents != 0 {
                guard let bytes = Self.receive(from: client) else { return false }
                guard Self.send(bytes[...], to: server) else { return true }
            }
            if ends[1].revents != 0 {
                guard let bytes = Self.receive(from: server) else { return true }
                last += bytes
                goodbye.take(bytes)
                let ripe = max(last.count - withheld, min(last.count, Self.opening - passed), 0)
                guard Self.send(last[..<ripe], to: client) else { return false }
                last.removeFirst(ripe)
                passed += ripe
                if goodbye.isSaid { return true }
            }
        }
        return false
    }

    private static func receive(from descriptor: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }

    private static func send(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
