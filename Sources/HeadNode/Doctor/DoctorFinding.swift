// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics

/// What one examination of `doctor` found.
struct DoctorFinding: Sendable, Equatable, Encodable {
    enum Verdict: String, Sendable, Encodable {
        case ok
        /// Works, but not as it could.
        case warn
        /// Jobs would not work.
        case fail = "FAIL"
    }

    /// What was examined, in a word or two.
    let check: String
    let verdict: Verdict
    /// What was found, without a full stop.
    let what: String
    /// One imperative sentence; empty when there is nothing to do.
    let remedy: String

    static func ok(_ check: String, _ what: String) -> DoctorFinding {
        DoctorFinding(check: check, verdict: .ok, what: what, remedy: "")
    }

    static func warn(_ check: String, _ what: String, _ remedy: String = "") -> DoctorFinding {
        DoctorFinding(check: check, verdict: .warn, what: what, remedy: remedy)
    }

    static func fail(_ check: String, _ what: String, _ remedy: String) -> DoctorFinding {
        DoctorFinding(check: check, verdict: .fail, what: what, remedy: remedy)
    }

    /// An examination that an error ended.
    static func fail(_ check: String, _ error: any ExplainedError) -> DoctorFinding {
        DoctorFinding(
            check: check,
            verdict: .fail,
            what: error.headline,
            remedy: error.firstRemedy
        )
    }

    /// `ok    put    what. What to do.`
    var line: String {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.utf8.count))
        }
        let advice = remedy.isEmpty ? "" : ". \(remedy)"
        return "\(padded(verdict.rawValue, 4))  \(padded(check, 15))  \(what)\(advice)"
    }

    var json: String {
        guard let bytes = try? ContractCoding.encode(self) else { return "{}" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
