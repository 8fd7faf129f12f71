// SPDX-License-Identifier: Apache-2.0

/// Which taint of a node a pod puts up with.
package struct Toleration: Encodable, Sendable, Equatable {
    /// nil for every key, with the operator `Exists`.
    package var key: String?
    /// `Exists` or `Equal`; nil for `Equal`.
    package var `operator`: String?
    package var value: String?
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; nil for all.
    package var effect: String?
    /// How long a pod stays once the taint is there, with `NoExecute`; nil for ever.
    package var tolerationSeconds: Int64?

    package init(
        key: String? = nil,
        operator: String? = nil,
        value: String? = nil,
        effect: String? = nil,
        tolerationSeconds: Int64? = nil
    ) {
        self.key = key
        self.operator = `operator`
        self.value = value
        self.effect = effect
        self.tolerationSeconds = tolerationSeconds
    }
}
