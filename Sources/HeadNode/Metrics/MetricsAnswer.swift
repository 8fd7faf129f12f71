// SPDX-License-Identifier: Apache-2.0

import Contract

/// The answer to one request (RFC 9112), whose connection is closed afterwards. Pure.
struct MetricsAnswer {
    /// The longest head of a request, in bytes.
    static let longestHead = 8192

    let bytes: [UInt8]

    private struct Status {
        var code: Int
        var phrase: String
    }

    /// Whether the head of a request has come to its end.
    static func isWhole(_ bytes: [UInt8]) -> Bool {
        let end = Array("\r\n\r\n".utf8)
        return bytes.indices.contains { bytes[$0...].starts(with: end) }
    }

    /// - Parameter page: made only if it is asked for.
    init(_ head: [UInt8], page: () -> String) {
        let line = head.prefix { $0 != UInt8(ascii: "\r") }
        let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard words.count == 3, words[2].starts(with: "HTTP/1.".utf8) else {
            bytes = Self.answer(Status(code: 400, phrase: "Bad Request"), "no HTTP/1 request\n")
            return
        }
        let isHead = words[0].elementsEqual("HEAD".utf8)
        guard isHead || words[0].elementsEqual("GET".utf8) else {
            bytes = Self.answer(Status(code: 405, phrase: "Method Not Allowed"), "only GET\n")
            return
        }
        let path = words[1].prefix { $0 != UInt8(ascii: "?") }
        let okay = Status(code: 200, phrase: "OK")
        if path.elementsEqual("/metrics".utf8) {
            bytes = Self.answer(okay, page(), type: MetricsText.contentType, isHead: isHead)
        } else if path.elementsEqual("/healthz".utf8) {
            bytes = Self.answer(okay, "ok\n", isHead: isHead)
        } else {
            let status = Status(code: 404, phrase: "Not Found")
            bytes = Self.answer(status, "there are /metrics and /healthz\n", isHead: isHead)
        }
    }

    private static func answer(
        _ status: Status,
        _ body: String,
        type: String = "text/plain; charset=utf-8",
        isHead: Bool = false
    ) -> [UInt8] {
        let allow = status.code == 405 ? "Allow: GET, HEAD\r\n" : ""
        let head =
            "HTTP/1.1 \(status.code) \(status.phrase)\r\nContent-Type: \(type)\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\(allow)Connection: close\r\n\r\n"
        return Array(head.utf8) + (isHead ? [] : Array(body.utf8))
    }
}
