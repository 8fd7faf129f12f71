// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc
import Names
import Staging

/// Answers `GET /metrics` and `GET /healthz` on one socket, from one thread, one connection after the
/// other: whoever connects can hold up the next one for a few seconds, and nothing else.
final class MetricsListener: Sendable {
    /// Where it can be reached: the port is known, even if any was asked for.
    let address: MetricsAddress
    private let socket: Descriptor

    /// How long a connection may take to say what it wants, or to take the answer, in seconds.
    private static let patience = 3
    private static let backlog: Int32 = 16

    /// Begins to listen.
    ///
    /// - Parameter page: called in the listener's thread, for each request.
    init(
        _ address: MetricsAddress,
        page: @escaping @Sendable () -> String
    ) throws(HeadError) {
        do throws(StagingError) {
            (socket, self.address) = try Self.listen(address)
        } catch {
            throw HeadError(error, doing: "Cannot listen for metrics on \(address)")
        }
        let socket = socket
        Threads.start {
            while true {
                let raw = accept(socket.raw, nil, nil)
                if raw < 0, errno == EINTR || errno == ECONNABORTED { continue }
                if raw < 0, errno == EMFILE || errno == ENFILE {
                    usleep(100_000)
                    continue
                }
                guard raw >= 0 else { return }
                Self.serve(Descriptor(owning: raw), page)
            }
        }
    }

    /// Stops listening; a Unix socket's name is removed.
    func stop() {
        shutdown(socket.raw, Int32(SHUT_RDWR))
        if case .unix(let path) = address { _ = path.withCString { unlink($0) } }
    }

    // MARK: The socket

    private static func listen(
        _ address: MetricsAddress
    ) throws(StagingError) -> (Descriptor, MetricsAddress) {
        switch address {
        case .none: throw StagingError(.refused, what: "No address is given")
        case .unix(let path): return (try listen(at: path), address)
        case .socket(.version4(let host), let port):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            inet_pton(AF_INET, host, &name.sin_addr)
            let socket = try open(AF_INET)
            try bind(socket, &name, "\(address)")
            try own(socket, &name)
            return (socket, .socket(.version4(host), port: UInt16(bigEndian: name.sin_port)))
        case .socket(.version6(let host), let port):
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            inet_pton(AF_INET6, host, &name.sin6_addr)
            let socket = try open(AF_INET6)
            try bind(socket, &name, "\(address)")
            try own(socket, &name)
            return (socket, .socket(.version6(host), port: UInt16(bigEndian: name.sin6_port)))
        }
    }

    private static func listen(at path: FilePath) throws(StagingError) -> Descriptor {
        // What a process that was killed has left; anything but a socket is somebody's.
        if FileStatus(at: path)?.kind == .special("socket") { _ = path.withCString { unlink($0) } }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { space in
            // The address holds at most 107 bytes, so a NUL stays behind them.
            space.copyBytes(from: path.bytes.prefix(space.count - 1))
        }
        let socket = try open(AF_UNIX)
        // Before it has a name, so that it never has it with other rights.
        guard fchmod(socket.raw, 0o600) == 0 else { throw .system("protect", path.logSafe) }
        try bind(socket, &name, path.logSafe)
        return socket
    }

    private static func open(_ family: Int32) throws(StagingError) -> Descriptor {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let raw = Glibc.socket(family, type, 0)
        guard raw >= 0 else { throw .system("make", "a socket") }
        var yes: Int32 = 1
        setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        return Descriptor(owning: raw)
    }

    private static func bind<Name>(
        _ socket: Descriptor,
        _ name: inout Name,
        _ text: String
    ) throws(StagingError) {
        let size = socklen_t(MemoryLayout<Name>.size)
        let status = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                // SAFETY: every address begins with its family, and `size` is its own.
                Glibc.bind(socket.raw, $0, size)
            }
        }
        guard status == 0, Glibc.listen(socket.raw, backlog) == 0 else {
            throw .system("listen on", text)
        }
    }

    /// The address that the kernel has given us.
    private static func own<Name>(
        _ socket: Descriptor,
        _ name: inout Name
    ) throws(StagingError) {
        var size = socklen_t(MemoryLayout<Name>.size)
        let status = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                // SAFETY: the kernel writes at most `size` bytes, which are there.
                getsockname(socket.raw, $0, &size)
            }
        }
        guard status == 0 else { throw .system("look at", "a socket") }
    }

    // MARK: One connection

    private static func serve(
        _ connection: Descriptor,
        _ page: () -> String
    ) {
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(connection.raw, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(connection.raw, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        guard let head = readHead(connection) else { return }
        let answer = MetricsAnswer(head, page: page)
        var rest = answer.bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(connection.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// The head of a request; nil when it does not come whole in time, or is too long.
    private static func readHead(_ connection: Descriptor) -> [UInt8]? {
        let end = Clock.monotonicSeconds() + Double(patience)
        var head: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: MetricsAnswer.longestHead)
        while head.count <= MetricsAnswer.longestHead, Clock.monotonicSeconds() < end {
            let count = recv(connection.raw, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            head += buffer[..<count]
            if MetricsAnswer.isWhole(head) { return head }
        }
        return nil
    }
}
