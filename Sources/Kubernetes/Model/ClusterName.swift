// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// The names that Kubernetes takes, looked at before they enter a URL.
enum ClusterName {
    /// Checks the name of a Job or a Pod: labels of RFC 1123 with points between them, at most 253
    /// bytes.
    static func check(_ name: String, of thing: String) throws(KubernetesError) {
        let labels = Array(name.utf8)
            .split(
                separator: UInt8(ascii: "."),
                omittingEmptySubsequences: false
            )
        guard name.utf8.count <= 253, labels.allSatisfy({ isLabel($0, limit: 253) }) else {
            throw wrong(name, thing, "lower-case letters, digits, \"-\" and \".\", at most 253")
        }
    }

    /// Checks the name of a namespace: one label of RFC 1123, at most 63 bytes.
    static func check(namespace name: String) throws(KubernetesError) {
        guard isLabel(Array(name.utf8)[...], limit: 63) else {
            throw wrong(name, "namespace", "lower-case letters, digits and \"-\", at most 63")
        }
    }

    private static func isLabel(_ bytes: ArraySlice<UInt8>, limit: Int) -> Bool {
        let dash = UInt8(ascii: "-")
        return (1...limit).contains(bytes.count) && bytes.first != dash && bytes.last != dash
            && bytes.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    dash:
                    true
                default: false
                }
            }
    }

    private static func wrong(
        _ name: String,
        _ thing: String,
        _ allowed: String
    ) -> KubernetesError {
        KubernetesError(
            .invalid,
            what: "\"\(name.logSafe)\" cannot be the name of a \(thing)",
            remedy: "Use \(allowed) of them."
        )
    }
}
