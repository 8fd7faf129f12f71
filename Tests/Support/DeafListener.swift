// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A port of 127.0.0.1 where a connection is never made: somebody listens, and the line is full.
package final class DeafListener {
    package let port: Int
    private let listener: Int32
    private var line: [Int32] = []

    package struct Failure: Error {}

    package init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        let isListening = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, size) == 0 && listen(listener, 0) == 0
                    && getsockname(listener, address, &size) == 0
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard isListening else { throw Failure() }
        // With a line of none the kernel lets one stand in it, and drops whoever comes after.
        for _ in 0..<4 {
            let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
            let caller = socket(AF_INET, Int32(kind), 0)
            line.append(caller)
            withUnsafePointer(to: &address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    _ = connect(caller, address, size)
                }
            }
        }
    }

    deinit {
        for caller in line { close(caller) }
        close(listener)
    }
}
