// SPDX-License-Identifier: Apache-2.0

import CCurl
import Synchronization

/// The way into the loop thread, from any other.
final class CurlMailbox: Sendable {
    enum Command: Sendable {
        case start(Exchange)
        /// Nothing happens if that exchange is over.
        case cancel(UInt64)
    }

    private struct Contents: Sendable {
        var commands: [Command] = []
        var lastTicket: UInt64 = 0
        var isStopped = false
        /// nil once the loop has gone.
        var bell: Bell?
    }

    // Unchecked because of the pointer: the one thing done with it is curl_multi_wakeup(), which
    // libcurl allows from any thread.
    private struct Bell: @unchecked Sendable {
        let multi: OpaquePointer

        func ring() { _ = curl_multi_wakeup(multi) }
    }

    private let contents: Mutex<Contents>

    init(multi: OpaquePointer) { contents = Mutex(Contents(bell: Bell(multi: multi))) }

    /// A name no other exchange has.
    func ticket() -> UInt64 {
        contents.withLock {
            $0.lastTicket += 1
            return $0.lastTicket
        }
    }

    /// Hands `command` to the loop. A start that comes after the loop's end is answered at once.
    func post(_ command: Command) {
        let isPosted = contents.withLock { contents in
            guard let bell = contents.bell else { return false }
            contents.commands.append(command)
            bell.ring()
            return true
        }
        if !isPosted, case .start(let exchange) = command {
            exchange.finish(.failure(.cancelled(exchange.origin)))
        }
    }

    /// Tells the loop to end.
    func stop() {
        contents.withLock {
            $0.isStopped = true
            $0.bell?.ring()
        }
    }

    /// For the loop: what has come since the last call, and whether to end.
    func take() -> (commands: [Command], isStopped: Bool) {
        contents.withLock { contents in
            defer { contents.commands = [] }
            return (contents.commands, contents.isStopped)
        }
    }

    /// For the loop: nothing is posted from now on, so its handle can be freed. Gives what is left.
    func close() -> [Command] {
        contents.withLock { contents in
            contents.bell = nil
            defer { contents.commands = [] }
            return contents.commands
        }
    }
}
