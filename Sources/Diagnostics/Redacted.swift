// SPDX-License-Identifier: Apache-2.0

/// A secret: it can be used, never shown.
///
/// Every rendering, reflection included, gives `<redacted>`, and the type is not `Encodable`. The
/// one way to the value is `reveal()`, which makes each use easy to find.
package struct Redacted<Value: Sendable>: Sendable, CustomStringConvertible,
    CustomDebugStringConvertible, CustomReflectable
{
    private let value: Value

    package init(_ value: Value) { self.value = value }

    /// The secret itself. Never put it into a message, a log or an argument list.
    package func reveal() -> Value { value }

    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension Redacted: Equatable where Value: Equatable {}
