// SPDX-License-Identifier: Apache-2.0

import CCurl
import Diagnostics

/// One exchange on one easy handle; confined to the loop thread.
///
/// libcurl holds pointers to it from `prepare` until the handle is reset or cleaned up, so the loop
/// keeps it at least as long.
final class CurlTransfer {
    private static let errorBodyLimit = 64 << 10
    /// Above this a body waits for `100 Continue`.
    private static let continueThreshold: Int64 = 1 << 20

    let exchange: Exchange
    let easy: OpaquePointer
    private let gatherer: Gatherer
    private let metrics: TransportMetrics
    private let errorText: UnsafeMutablePointer<CChar>
    private var fieldList: UnsafeMutablePointer<curl_slist>?

    private var reader: (any HTTPBodyReader)?
    private var bytesToSend: Int64
    /// Whether to wait for `100 Continue` before the body is sent.
    private let asksFirst: Bool
    private var headReader = ResponseHeadReader()
    private var bodyLength: Int64 = 0
    private var errorBody: [UInt8] = []
    /// How often the request was about to be put on a connection.
    private var departures = 0
    private var hasExcess = false
    /// Our own reason for stopping, which libcurl only knows as "aborted".
    private var failure: TransportError?

    /// - Parameter mayAsk: whether a large body may wait for `100 Continue`.
    init(
        _ exchange: Exchange,
        easy: OpaquePointer,
        mayAsk: Bool,
        gatherer: Gatherer,
        metrics: TransportMetrics
    ) {
        self.exchange = exchange
        self.easy = easy
        self.gatherer = gatherer
        self.metrics = metrics
        bytesToSend = exchange.request.body?.length ?? 0
        asksFirst = mayAsk && bytesToSend > Self.continueThreshold
        // SAFETY: libcurl writes at most CURL_ERROR_SIZE bytes here; freed in deinit.
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        errorText.deallocate()
        curl_slist_free_all(fieldList)
    }
}

// MARK: - Before

extension CurlTransfer {
    /// Sets everything on a fresh or reset handle.
    func prepare(_ settings: CurlSettings) throws(TransportError) {
        let request = exchange.request
        if let body = request.body {
            if request.method == .get || request.method == .head {
                throw TransportError(
                    .usage,
                    what: "A \(request.method.rawValue) request cannot have a body",
                    place: exchange.origin.description
                )
            }
            do { reader = try body.makeReader() } catch { throw sourceFailure(error) }
        }
        try makeFieldList()
        let handle = CurlHandle(easy: easy)
        do throws(CurlCode) {
            try settings.apply(to: handle, request, exchange.origin)
            if let limit = request.timeLimit {
                try handle.set(CURLOPT_TIMEOUT_MS, milliseconds: limit)
            }
            try handle.set(CURLOPT_URL, request.url)
            try handle.set(CURLOPT_FRESH_CONNECT, request.usesFreshConnection)
            try CurlCode.check(ccurl_set_list(easy, CURLOPT_HTTPHEADER, fieldList))
            try handle.set(CURLOPT_ERRORBUFFER, pointer: errorText)
            try setMethod(handle)
            try installCallbacks()
        } catch {
            // Nothing that came with the request can be at fault: its URL and its fields have been
            // looked at. So this is no verdict on them, and a later try may do better.
            throw TransportError(
                .unreachable,
                what: "libcurl refuses a setting of ours: \(error)",
                place: exchange.origin.description
            )
        }
    }

    private func setMethod(_ handle: CurlHandle) throws(CurlCode) {
        let method = exchange.request.method
        switch (method, reader) {
        case (.get, _):
            try handle.set(CURLOPT_HTTPGET, true)
        case (.head, _):
            try handle.set(CURLOPT_NOBODY, true)
        case (.post, _):
            try handle.set(CURLOPT_POST, true)
            try handle.set(CURLOPT_POSTFIELDSIZE_LARGE, bytes: bytesToSend)
        case (.delete, nil):
            try handle.set(CURLOPT_CUSTOMREQUEST, method.rawValue)
        case (.put, _), (.patch, _), (.delete, _):
            try handle.set(CURLOPT_UPLOAD, true)
            try handle.set(CURLOPT_CUSTOMREQUEST, method.rawValue)
            try handle.set(CURLOPT_INFILESIZE_LARGE, bytes: bytesToSend)
        }
    }

    private func makeFieldList() throws(TransportError) {
        let request = exchange.request
        for field in request.fields where !field.isNamed("content-length") {
            guard field.isWellFormed, !field.isNamed("transfer-encoding"),
                !field.isNamed("expect")
            else {
                throw TransportError(
                    .usage,
                    what:
                        "A request cannot have the header field \"\(field.name.logSafe)\" or its value",
                    place: exchange.origin.description
                )
            }
            // libcurl's spelling of a field without a value has a semicolon; blanks are no value.
            let isEmpty = field.value.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 }
            append(isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        // libcurl's spelling of "leave this one out" has nothing after the colon.
        if request.method == .post, !request.fields.contains(where: { $0.isNamed("content-type") })
        {
            append("content-type:")
        }
        if !asksFirst { append("expect:") }
    }

    private func append(_ line: String) {
        // SAFETY: libcurl copies the line; the list's first node stays ours, freed in deinit.
        guard let list = curl_slist_append(fieldList, line) else {
            preconditionFailure("no memory for a header field")
        }
        fieldList = list
    }
}

// MARK: - While libcurl runs

extension CurlTransfer {
    /// The request is about to be put on a connection; false stops it.
    ///
    /// libcurl itself repeats a request when a kept connection turns out to be dead. Whether the
    /// server acted on the first is unknown, so that is not libcurl's to decide.
    func willSend() -> Bool {
        if departures > 0 {
            failure = TransportError(
                .interrupted,
                what: "A kept connection broke before the answer came",
                place: exchange.origin.description
            )
            return false
        }
        departures += 1
        metrics.countRequest()
        return true
    }

    /// Fills `buffer` with the next bytes to send; nil stops the transfer.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard let reader, bytesToSend > 0 else { return 0 }
        let room = UnsafeMutableRawBufferPointer(
            rebasing: buffer.prefix(Int(min(Int64(buffer.count), bytesToSend)))
        )
        do {
            let count = try reader.read(into: room)
            precondition((0...room.count).contains(count), "a reader filled more than its buffer")
            guard count > 0 else { throw BodyEndedEarly(missingBytes: bytesToSend) }
            bytesToSend -= Int64(count)
            metrics.countUp(count)
            return count
        } catch {
            failure = sourceFailure(error)
            return nil
        }
    }

    /// Takes one line of a response's head; false stops the transfer.
    func take(headerLine line: UnsafeRawBufferPointer) -> Bool {
        do {
            guard let head = try headReader.take(line) else { return true }
            bodyLength = 0
            errorBody = []
            if head.isSuccess, let sink = exchange.sink {
                do { try sink.begin(head) } catch {
                    failure = sinkFailure(error)
                    return false
                }
            }
            return true
        } catch {
            failure = .unusableHead(error, exchange.origin)
            return false
        }
    }

    /// Takes the next bytes of the body; false stops the transfer.
    func take(body bytes: UnsafeRawBufferPointer) -> Bool {
        guard let head = headReader.head else { return false }
        bodyLength += Int64(bytes.count)
        metrics.countDown(bytes.count)
        guard head.isSuccess else {
            errorBody += bytes.prefix(Self.errorBodyLimit - errorBody.count)
            return true
        }
        if exchange.sink != nil { gatherer.add(bytes, of: self) }
        return !isStopped
    }

    /// Whether there is a reason of our own to stop.
    var isStopped: Bool { failure != nil }

    /// Hands gathered bytes to the sink; the transfer is stopped if it throws.
    func deliver(_ bytes: UnsafeRawBufferPointer) {
        do { try exchange.sink?.write(bytes) } catch { failure = sinkFailure(error) }
    }

    /// Takes a line of libcurl's own commentary.
    ///
    /// Nothing else tells of bytes after the end of a body: libcurl drops them and closes the
    /// connection. Its words are part of no interface; a test notices when they change.
    func take(comment: UnsafeRawBufferPointer) {
        if comment.starts(with: "Excess found".utf8) { hasExcess = true }
    }

    private func sourceFailure(_ error: any Error) -> TransportError {
        TransportError(
            .bodySource,
            what: "The body of a request cannot be read",
            place: exchange.origin.description,
            cause: error
        )
    }

    private func sinkFailure(_ error: any Error) -> TransportError {
        TransportError(
            .bodySink,
            what: "The body of a response cannot be taken",
            place: exchange.origin.description,
            cause: error
        )
    }
}

// MARK: - After

extension CurlTransfer {
    /// Whether the server refused to be asked, and did nothing else (RFC 9110, section 10.1.1).
    var hasRefusedExpect: Bool { asksFirst && headReader.head?.status == 417 }

    /// Whether the server took the body without ever saying `100 Continue`: asking it again would
    /// cost the same wait again.
    var wasAskedInVain: Bool {
        asksFirst && !headReader.hasSeenContinue && headReader.head?.isSuccess == true
    }

    /// What came of it, once libcurl is done with `code`.
    func outcome(_ code: CURLcode) -> Result<HTTPResponse, TransportError> {
        let handle = CurlHandle(easy: easy)
        metrics.countConnections(handle.number(CURLINFO_NUM_CONNECTS))
        if let failure { return .failure(failure) }
        guard code == CURLE_OK else {
            return .failure(
                .curl(
                    CurlCode(value: code),
                    text: String(cString: errorText),
                    handle: handle,
                    mayBeSent: departures > 0,
                    origin: exchange.origin
                )
            )
        }
        guard let head = headReader.head else {
            return .failure(.noResponse(exchange.origin))
        }
        if let problem = lengthProblem(head) { return .failure(problem) }
        return .success(HTTPResponse(head: head, errorBody: errorBody, bodyLength: bodyLength))
    }

    private func lengthProblem(_ head: HTTPResponseHead) -> TransportError? {
        if hasExcess { return .wrongLength("more bytes than it said", exchange.origin) }
        if head.isSuccess, bytesToSend > 0 {
            return .wrongLength("success before it had the whole request", exchange.origin)
        }
        let hasBody =
            exchange.request.method != .head && head.status != 204 && head.status != 304
        // The head was read with this length, so it has one that can be read.
        if hasBody, let length = try? head.bodyLength, length != bodyLength {
            return .wrongLength("\(bodyLength) bytes and said \(length)", exchange.origin)
        }
        return nil
    }
}

/// A body that gave fewer bytes than its length.
struct BodyEndedEarly: Error, CustomStringConvertible {
    let missingBytes: Int64

    var description: String { "it ended \(missingBytes) bytes early" }
}
