// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A server on 127.0.0.1 that says what a script tells it, byte for byte.
///
/// The n-th connection follows the n-th script and is then closed; a connection too many is reset.
/// Requests are recorded, so a test can look at what was really sent.
package final class StubHTTPServer: Sendable {
    /// One thing a connection does.
    package enum Step: Sendable {
        /// Reads a request's head and body.
        case read
        /// Reads a request's head only.
        case readHead
        /// Reads that many bytes of a body and drops them.
        case readBytes(Int)
        /// Sends text; `\r\n` has to be written out.
        case send(String)
        case sendBytes([UInt8])
        /// Sends that many bytes of `StubHTTPServer.pattern`.
        case sendPattern(Int)
        /// Waits until the client or `stop` ends the connection.
        case hold
        /// Waits until `open` is called on the gate.
        case wait(Gate)
        /// Does nothing for that many milliseconds.
        case pause(UInt32)
        /// Passes TLS 1.3 on between the client and 127.0.0.1 at that port until that server has said all,
        /// but not so many last bytes of it.
        case relay(to: Int, withholding: Int)
        /// Ends the connection with a reset.
        case reset
        /// Does the steps that many times, or until the client has gone.
        case repeated(Int, [Step])
    }

    /// A request as it came.
    package struct Received: Sendable {
        /// Counted from 0, in the order of acceptance.
        package let connection: Int
        /// Request line and header lines, without their line ends.
        package let lines: [String]
        package let body: [UInt8]

        package var line: String { lines.first ?? "" }

        /// The value of the field `name`, given in lower case.
        package func field(_ name: String) -> String? {
            lines.dropFirst().first { $0.lowercased().hasPrefix(name + ":") }
                .map { String($0.dropFirst(name.count + 1).drop { $0 == " " }) }
        }
    }

    /// Opens once, for all who wait.
    package final class Gate: Sendable {
        private let isOpen = Atomic<Bool>(false)

        package init() {}

        package func open() { isOpen.store(true, ordering: .releasing) }

        fileprivate func wait(unless isStopped: () -> Bool) {
            while !isOpen.load(ordering: .acquiring), !isStopped() { usleep(1000) }
        }
    }

    private struct State {
        var scripts: [[Step]]
        var accepted = 0
        var received: [Received] = []
        var descriptors: Set<Int32> = []
        var threads: [pthread_t] = []
        var isStopped = false
    }

    /// The port that was free.
    package let port: Int
    private let listener: Int32
    private let state: Mutex<State>

    /// Starts to listen.
    package convenience init(_ scripts: [Step]...) throws {
        try self.init(scripts: scripts)
    }

    /// Starts to listen.
    package init(scripts: [[Step]]) throws {
        state = Mutex(State(scripts: scripts))
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        let status = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, size) == 0 && listen(listener, 512) == 0
                    && getsockname(listener, address, &size) == 0
            }
        }
        guard status else { throw Failure(number: errno) }
        port = Int(UInt16(bigEndian: address.sin_port))
        startThread { self.accept() }
    }

    package struct Failure: Error {
        let number: Int32
    }

    /// Such as `http://127.0.0.1:4711`.
    package var url: String { "http://127.0.0.1:\(port)" }

    /// All requests so far, in the order they were complete.
    package var received: [Received] { state.withLock { $0.received } }

    /// How many connections have been accepted so far.
    package var connections: Int { state.withLock { $0.accepted } }

    /// Ends all connections and waits for the threads.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            shutdown(listener, Int32(SHUT_RDWR))
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        while let thread = state.withLock({ $0.threads.popLast() }) { pthread_join(thread, nil) }
        close(listener)
    }

    /// The byte of the pattern at `index`; it repeats after a prime, so nothing else lines up.
    package static func pattern(at index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: (index % 65_521) &* 31 >> 3)
    }

    /// `count` bytes of the pattern from `start` on.
    package static func pattern(_ count: Int, from start: Int = 0) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            for index in 0..<count { buffer[index] = pattern(at: start + index) }
            filled = count
        }
    }
}

// MARK: - Connections

extension StubHTTPServer {
    private var isStopped: Bool { state.withLock { $0.isStopped } }

    private func accept() {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            let next: (Int, [Step])? = state.withLock { state in
                guard !state.isStopped else { return nil }
                let number = state.accepted
                state.accepted += 1
                state.descriptors.insert(descriptor)
                return (number, number < state.scripts.count ? state.scripts[number] : [.reset])
            }
            guard let (number, script) = next else {
                close(descriptor)
                return
            }
            startThread { self.serve(Connection(descriptor: descriptor, number: number), script) }
        }
    }

    private func serve(_ connection: Connection, _ script: [Step]) {
        _ = run(script, on: connection)
        state.withLock { state in
            state.descriptors.remove(connection.descriptor)
            close(connection.descriptor)
        }
    }

    /// False when the connection has ended.
    private func run(_ script: [Step], on connection: Connection) -> Bool {
        script.allSatisfy { step in
            switch step {
            case .read: read(connection, withBody: true)
            case .readHead: read(connection, withBody: false)
            case .readBytes(let count): connection.take(count) != nil
            case .send(let text): connection.send(Array(text.utf8))
            case .sendBytes(let bytes): connection.send(bytes)
            case .sendPattern(let count): sendPattern(count, on: connection)
            case .hold: connection.drain()
            case .wait(let gate): wait(gate)
            case .pause(let milliseconds): usleep(milliseconds * 1000) == 0
            case .relay(let port, let withheld): connection.relay(to: port, withheld)
            case .reset: connection.reset()
            case .repeated(let count, let steps):
                (0..<count).allSatisfy { _ in run(steps, on: connection) }
            }
        }
    }

    private func wait(_ gate: Gate) -> Bool {
        gate.wait { isStopped }
        return true
    }

    private func sendPattern(_ count: Int, on connection: Connection) -> Bool {
        let period = Self.pattern(65_521)
        var sent = 0
        while sent < count {
            let piece = min(period.count, count - sent)
            guard connection.send(Array(period.prefix(piece))) else { return false }
            sent += piece
        }
        return true
    }

    private func read(_ connection: Connection, withBody: Bool) -> Bool {
        guard let lines = connection.takeHead() else { return false }
        let head = Received(connection: connection.number, lines: lines, body: [])
        let length = withBody ? head.field("content-length").flatMap { Int($0) } ?? 0 : 0
        guard let body = connection.take(length) else { return false }
        state.withLock {
            $0.received.append(
                Received(connection: connection.number, lines: lines, body: body)
            )
        }
        return true
    }

    private func startThread(_ work: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Work(work))
        var thread = pthread_t()
        let status = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                // SAFETY: the reference that startThread gave away.
                Unmanaged<Work>.fromOpaque(context).takeRetainedValue().work()
                return nil
            },
            box.toOpaque()
        )
        precondition(status == 0, "no thread for a stub server")
        state.withLock { $0.threads.append(thread) }
    }
}

private final class Work: Sendable {
    let work: @Sendable () -> Void

    init(_ work: @escaping @Sendable () -> Void) { self.work = work }
}

/// One accepted socket, used by one thread.
private final class Connection {
    let descriptor: Int32
    let number: Int
    private var pending: [UInt8] = []

    init(descriptor: Int32, number: Int) {
        self.descriptor = descriptor
        self.number = number
    }

    func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[sent...])
                let count = Glibc.send(
                    descriptor,
                    rest.baseAddress,
                    rest.count,
                    Int32(MSG_NOSIGNAL)
                )
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    /// The lines of the next head; nil at the end of the stream.
    func takeHead() -> [String]? {
        var lines: [String] = []
        while true {
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[..<max(end - 1, 0)], as: UTF8.self)
                pending.removeSubrange(...end)
                if line.isEmpty { return lines }
                lines.append(line)
            }
            guard receive() else { return nil }
        }
    }

    /// The next bytes; nil when the stream ends before.
    func take(_ count: Int) -> [UInt8]? {
        pending.reserveCapacity(count)
        while pending.count < count { guard receive() else { return nil } }
        defer { pending.removeFirst(count) }
        return Array(pending.prefix(count))
    }

    /// Reads until the other side ends.
    func drain() -> Bool {
        while receive() { pending = [] }
        return false
    }

    func reset() -> Bool {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor,
            SOL_SOCKET,
            SO_LINGER,
            &linger,
            socklen_t(MemoryLayout<Glibc.linger>.size)
        )
        return false
    }

    func relay(to port: Int, _ withheld: Int) -> Bool {
        defer { pending = [] }
        return Relay(client: descriptor, port: port, withholding: withheld)?.run(pending) ?? false
    }

    private func receive() -> Bool {
        let count = withUnsafeTemporaryAllocation(byteCount: 256 << 10, alignment: 1) { buffer in
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { pending += buffer[..<count] }
            return count
        }
        return count > 0
    }
}
