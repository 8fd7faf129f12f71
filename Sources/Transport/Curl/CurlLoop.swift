// SPDX-License-Identifier: Apache-2.0

import CCurl
import Digests
import Glibc

/// The event loop: owns the multi handle, and is the only one to call `curl_multi_*` on it.
///
/// Made by whoever starts it, touched by its own thread alone from then on.
final class CurlLoop {
    private let multi: OpaquePointer
    private let mailbox: CurlMailbox
    private let metrics: TransportMetrics
    private let settings: CurlSettings
    private let gatherer: Gatherer
    private let idleLimit: Int

    private var queue: TransferQueue<Exchange>
    /// By easy handle, which is how libcurl names them.
    private var active: [OpaquePointer: CurlTransfer] = [:]
    /// Servers that do not answer `Expect: 100-continue`.
    private var mute: Set<Origin> = []
    /// Servers that did what was last wanted of them: they will hardly refuse the next body.
    private var willing: Set<Origin> = []
    /// Handles whose last transfer went well, to use again; they keep TLS sessions.
    private var idle: [OpaquePointer] = []

    private init(
        multi: OpaquePointer,
        mailbox: CurlMailbox,
        options: CurlTransport.Options,
        metrics: TransportMetrics
    ) {
        self.multi = multi
        self.mailbox = mailbox
        self.metrics = metrics
        settings = CurlSettings(options)
        gatherer = Gatherer(capacity: max(options.receiveBufferBytes, 1))
        idleLimit = options.maxConnections
        queue = TransferQueue(
            limit: options.maxConnections,
            limitPerOrigin: options.maxConnectionsPerOrigin
        )
        // Idle connections beyond this are closed, oldest first.
        _ = ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, options.maxConnections)
    }
}

// MARK: - The thread

extension CurlLoop {
    /// Initialises libcurl once a process, after libcrypto.
    private static let isLibraryReady: Bool = {
        Cryptography.start()
        return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    }()

    /// Starts a loop on a thread of its own, which ends after `stop` on the mailbox.
    static func start(
        _ options: CurlTransport.Options,
        _ metrics: TransportMetrics
    ) throws(TransportError) -> CurlMailbox {
        guard options.maxConnections > 0, options.maxConnectionsPerOrigin > 0 else {
            throw TransportError(.usage, what: "At least one connection has to be allowed")
        }
        guard isLibraryReady, let multi = curl_multi_init() else {
            throw TransportError(.usage, what: "libcurl cannot be initialised")
        }
        let mailbox = CurlMailbox(multi: multi)
        let loop = CurlLoop(multi: multi, mailbox: mailbox, options: options, metrics: metrics)
        // SAFETY: the thread takes over this reference; if there is no thread, it is released here.
        let reference = Unmanaged.passRetained(loop)
        var thread = pthread_t()
        let status = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                let loop = Unmanaged<CurlLoop>.fromOpaque(context).takeRetainedValue()
                loop.blockSignals()
                loop.run()
                return nil
            },
            reference.toOpaque()
        )
        guard status == 0 else {
            loop.shutDown()
            reference.release()
            let reason = String(cString: strerror(status))
            throw TransportError(
                .unreachable,
                what: "No thread for the network: \(reason)",
                remedy: "Raise the limit of processes (ulimit -u, TasksMax) of whoever runs this."
            )
        }
        pthread_detach(thread)
        return mailbox
    }

    /// Signals are for other threads, and SIGPIPE from OpenSSL's writes for nobody.
    private func blockSignals() {
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
    }

    private func run() {
        while true {
            let (commands, isStopped) = mailbox.take()
            for command in commands { handle(command) }
            if isStopped { break }
            startWaiting()
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            let stopped = gatherer.finishRound()
            collectFinished()
            for transfer in stopped where active[transfer.easy] === transfer {
                end(transfer, transfer.outcome(CURLE_WRITE_ERROR))
            }
            startWaiting()
            // It returns at once when the bell was rung since the last time, when a transfer was
            // just added, and when one of libcurl's own timers is due.
            curl_multi_poll(multi, nil, 0, 60_000, nil)
        }
        shutDown()
    }

    private func shutDown() {
        for command in mailbox.close() { handle(command) }
        while let exchange = queue.next() {
            exchange.finish(.failure(.cancelled(exchange.origin)))
            queue.finish(exchange.origin)
        }
        for transfer in active.values {
            end(transfer, .failure(.cancelled(transfer.exchange.origin)))
        }
        for easy in idle { curl_easy_cleanup(easy) }
        curl_multi_cleanup(multi)
    }
}

// MARK: - Transfers

extension CurlLoop {
    private func handle(_ command: CurlMailbox.Command) {
        switch command {
        case .start(let exchange):
            if exchange.cancellation.isRequested {
                exchange.finish(.failure(.cancelled(exchange.origin)))
            } else {
                queue.add(exchange, ticket: exchange.ticket, origin: exchange.origin)
            }
        case .cancel(let ticket):
            if let exchange = queue.remove(ticket) {
                exchange.finish(.failure(.cancelled(exchange.origin)))
            } else if let transfer = active.values.first(where: { $0.exchange.ticket == ticket }) {
                end(transfer, .failure(.cancelled(transfer.exchange.origin)))
            }
        }
    }

    private func startWaiting() {
        while let exchange = queue.next() {
            guard let easy = idle.popLast() ?? curl_easy_init() else {
                queue.finish(exchange.origin)
                exchange.finish(.failure(TransportError(.unreachable, what: "No memory left")))
                continue
            }
            let transfer = CurlTransfer(
                exchange,
                easy: easy,
                mayAsk: !mute.contains(exchange.origin) && !willing.contains(exchange.origin),
                gatherer: gatherer,
                metrics: metrics
            )
            active[easy] = transfer
            do throws(TransportError) {
                try transfer.prepare(settings)
                let code = curl_multi_add_handle(multi, easy)
                precondition(code == CURLM_OK, "libcurl refuses a fresh handle")
            } catch {
                end(transfer, .failure(error))
            }
        }
    }

    private func collectFinished() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE,
                let easy = message.pointee.easy_handle,
                let transfer = active[easy]
            else { continue }
            let exchange = transfer.exchange
            if transfer.wasAskedInVain || transfer.hasRefusedExpect { mute.insert(exchange.origin) }
            if transfer.hasRefusedExpect {
                release(transfer, isReusable: false)
                queue.add(exchange, ticket: exchange.ticket, origin: exchange.origin)
            } else {
                end(transfer, transfer.outcome(ccurl_message_result(message)))
            }
        }
    }

    /// Takes the transfer off its handle, then ends the call: nothing is called back after that.
    private func end(_ transfer: CurlTransfer, _ outcome: Result<HTTPResponse, TransportError>) {
        let response = try? outcome.get()
        if transfer.exchange.request.method.changesThings {
            if response?.head.isSuccess ?? false {
                willing.insert(transfer.exchange.origin)
            } else {
                willing.remove(transfer.exchange.origin)
            }
        }
        release(transfer, isReusable: response != nil)
        transfer.exchange.finish(outcome)
    }

    /// Takes the transfer off its handle, which others can use then if it is reusable.
    ///
    /// What a transfer that failed leaves in its handle survives a reset: after a name that did not
    /// resolve, libcurl 7.88 takes the handle for one in use and refuses `CURLOPT_BUFFERSIZE`.
    private func release(_ transfer: CurlTransfer, isReusable: Bool) {
        let easy = transfer.easy
        curl_multi_remove_handle(multi, easy)
        active[easy] = nil
        queue.finish(transfer.exchange.origin)
        if isReusable, idle.count < idleLimit {
            curl_easy_reset(easy)
            idle.append(easy)
        } else {
            curl_easy_cleanup(easy)
        }
    }
}
