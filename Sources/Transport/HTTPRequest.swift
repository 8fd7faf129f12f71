// SPDX-License-Identifier: Apache-2.0

/// One HTTP request, sent exactly as it stands: no redirect is followed, no header is added but
/// `Host`, `Content-Length`, `Accept: */*`, the transport's `User-Agent` and, with a large body,
/// `Expect`; and the path and query keep their bytes.
package struct HTTPRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"

        /// Whether it asks for more than a look.
        var changesThings: Bool { self != .get && self != .head }
    }

    package var method: Method
    /// An absolute http or https URL in percent-encoded ASCII.
    package var url: String
    /// `content-length` is left out, because the body has it; `transfer-encoding` and `expect` are
    /// refused.
    package var fields: [HTTPField]
    /// What to send; nil sends no body (and `Content-Length: 0` with PUT, POST and PATCH).
    package var body: HTTPBody?
    /// For how long less than `silenceRate` may move before the server counts as dead; nil for the
    /// transport's own limit. A server that copies or assembles a large object can be silent for
    /// minutes, and a watch for longer.
    package var silenceLimit: Duration?
    /// Bytes a second below which a server counts as silent. For a stream of small events, which is
    /// well as long as anything comes at all, it is 1. 0 for a stream that may be silent for ever;
    /// then nothing is counted, which is much cheaper where there are many.
    package var silenceRate = 1024
    /// How long the exchange may take from its start to its end, waiting for its turn aside; nil for
    /// as long as something moves.
    package var timeLimit: Duration?
    /// Whether to leave kept connections alone: for a retry after bytes came damaged.
    package var usesFreshConnection = false

    package init(
        _ method: Method,
        _ url: String,
        fields: [HTTPField] = [],
        body: HTTPBody? = nil,
        silenceLimit: Duration? = nil
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
        self.silenceLimit = silenceLimit
    }
}

/// One header field.
package struct HTTPField: Sendable, Hashable {
    /// Lower case in requests and in responses.
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension HTTPField {
    /// Whether it is called `name`, which is given in lower case.
    func isNamed(_ name: String) -> Bool {
        self.name.utf8.elementsEqual(name.utf8) {
            $0 == $1 || (65...90).contains($0) && $0 | 32 == $1
        }
    }

    /// Whether this can stand in a request (RFC 9110, section 5): a token, and visible bytes.
    var isWellFormed: Bool {
        let separators = "\"(),/:;<=>?@[\\]{}".utf8
        return !name.isEmpty
            && name.utf8.allSatisfy { (0x21...0x7e).contains($0) && !separators.contains($0) }
            && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
    }
}
