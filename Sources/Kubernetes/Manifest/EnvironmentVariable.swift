// SPDX-License-Identifier: Apache-2.0

/// A variable in a container's environment: its value, or where the kubelet finds it.
package struct EnvironmentVariable: Encodable, Sendable, Equatable {
    package let name: String
    package let value: ExpandableText?
    package let valueFrom: Source?

    /// Where a value is that the manifest does not hold.
    package struct Source: Encodable, Sendable, Equatable {
        package var fieldRef: FieldReference?
        package var secretKeyRef: SecretReference?
    }

    /// A field of the pod itself, such as `metadata.uid`.
    package struct FieldReference: Encodable, Sendable, Equatable {
        package var fieldPath: String
    }

    /// One key of a Secret in the pod's namespace.
    package struct SecretReference: Encodable, Sendable, Equatable {
        package var name: String
        package var key: String
    }

    package init(_ name: String, _ value: ExpandableText) {
        self.name = name
        self.value = value
        valueFrom = nil
    }

    package init(_ name: String, podField: String) {
        self.name = name
        value = nil
        valueFrom = Source(fieldRef: FieldReference(fieldPath: podField))
    }

    package init(_ name: String, secret: String, key: String) {
        self.name = name
        value = nil
        valueFrom = Source(secretKeyRef: SecretReference(name: secret, key: key))
    }
}
