// SPDX-License-Identifier: Apache-2.0

/// One HTTP request, sent exactly as it stands: no redirect is followed, no header is added but
/// `Host`, `Content-Length` and `Accept: */*`, and the path and query keep their bytes.
package struct HTTPRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case delete = "DELETE"
    }

    package var method: Method
    /// An absolute http or https URL in percent-encoded ASCII.
    package var url: String
    package var fields: [HTTPField]
    /// What to send; nil sends no body (and `Content-Length: 0` with PUT and POST).
    package var body: HTTPBody?

    package init(
        _ method: Method,
        _ url: String,
        fields: [HTTPField] = [],
        body: HTTPBody? = nil
    ) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
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
