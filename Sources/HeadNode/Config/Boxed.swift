// SPDX-License-Identifier: Apache-2.0

/// A value of many fields that is kept by reference: a copy costs a pointer. It counts where
/// thousands of runs wait, because a task keeps every value that it will need again.
@propertyWrapper struct Boxed<Value: Sendable>: Sendable {
    private final class Box: Sendable {
        let value: Value

        init(_ value: Value) { self.value = value }
    }

    private var box: Box

    init(wrappedValue: Value) { box = Box(wrappedValue) }

    /// Changing it makes another box: other copies stay what they are.
    var wrappedValue: Value {
        get { box.value }
        set { box = Box(newValue) }
    }
}

extension Boxed: Equatable where Value: Equatable {
    static func == (one: Boxed, other: Boxed) -> Bool { one.wrappedValue == other.wrappedValue }
}
