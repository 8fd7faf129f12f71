// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import FoundationEssentials

/// An error as a person or a program is told of it.
struct Complaint: Encodable {
    let event = "error"
    let code: String
    let what: String
    /// Why, where something else is the cause.
    let cause: String
    let place: String
    let remedy: String
    let message: String
    let status: Int32

    init(
        _ error: any ExplainedError,
        status: Int32
    ) {
        code = error.codeName
        what = error.what
        cause = error.reason
        place = error.firstPlace
        remedy = error.firstRemedy
        message = error.line
        self.status = status
    }

    /// As a terminal shows it.
    var line: String { "galaxy-head-node: \(message)" }

    func show(json: Bool) {
        if json, let bytes = try? ContractCoding.encode(self) {
            Console.out(String(decoding: bytes, as: UTF8.self))
        } else {
            Console.err(line)
        }
    }
}
