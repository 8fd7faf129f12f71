// SPDX-License-Identifier: Apache-2.0

/// The status line and the header fields of a response.
package struct HTTPResponseHead: Sendable {
    package let status: Int
    /// In the order they came; names in lower case.
    package let fields: [HTTPField]

    package init(status: Int, fields: [HTTPField]) {
        self.status = status
        self.fields = fields
    }

    /// Whether the status is 2xx.
    package var isSuccess: Bool { (200..<300).contains(status) }

    /// The first value of the field called `name`, which is given in lower case.
    package subscript(_ name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// A finished exchange.
package struct HTTPResponse: Sendable {
    package let head: HTTPResponseHead
    /// The body of a response that is not 2xx, cut at 64 KiB; else empty.
    package let errorBody: [UInt8]
    /// How many bytes of body came, before any cut.
    package let bodyLength: Int64

    package init(head: HTTPResponseHead, errorBody: [UInt8], bodyLength: Int64) {
        self.head = head
        self.errorBody = errorBody
        self.bodyLength = bodyLength
    }
}
