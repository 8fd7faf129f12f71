// SPDX-License-Identifier: Apache-2.0

/// An element of a parsed document: its local name, whatever the namespace, its children and its text.
package struct XMLElement: Sendable, Equatable {
    package struct Attribute: Sendable, Equatable {
        package let name: [UInt8]
        package let value: [UInt8]
    }

    package let name: [UInt8]
    /// The line, from 1, on which its start tag ends.
    package let line: Int
    package var attributes: [Attribute] = []
    package var children: [XMLElement] = []
    /// All character data directly inside.
    package var text: [UInt8] = []

    init(
        name: [UInt8],
        line: Int
    ) {
        self.name = name
        self.line = line
    }

    /// The first child called `name`.
    package func child(_ name: StaticString) -> XMLElement? { children.first { $0.isCalled(name) } }

    /// All children called `name`.
    package func all(_ name: StaticString) -> [XMLElement] { children.filter { $0.isCalled(name) } }

    /// The text of the first child called `name`.
    package func bytes(_ name: StaticString) -> [UInt8]? { child(name)?.text }

    /// The text of the first child called `name`, as text.
    package func string(_ name: StaticString) -> String? {
        bytes(name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The value of the attribute called `name`, as text.
    package func attribute(_ name: StaticString) -> String? {
        attributes.first { Self.equal($0.name, name) }
            .map { String(decoding: $0.value, as: UTF8.self) }
    }

    package func isCalled(_ name: StaticString) -> Bool { Self.equal(self.name, name) }

    private static func equal(
        _ bytes: [UInt8],
        _ name: StaticString
    ) -> Bool {
        name.withUTF8Buffer { $0.elementsEqual(bytes) }
    }
}
