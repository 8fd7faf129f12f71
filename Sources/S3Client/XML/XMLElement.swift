// SPDX-License-Identifier: Apache-2.0

/// An element of a parsed answer: its local name, whatever the namespace, its children and its text.
struct XMLElement: Sendable, Equatable {
    let name: [UInt8]
    var children: [XMLElement] = []
    /// All character data directly inside.
    var text: [UInt8] = []

    /// The first child called `name`.
    func child(_ name: StaticString) -> XMLElement? { children.first { $0.isCalled(name) } }

    /// All children called `name`.
    func all(_ name: StaticString) -> [XMLElement] { children.filter { $0.isCalled(name) } }

    /// The text of the first child called `name`.
    func bytes(_ name: StaticString) -> [UInt8]? { child(name)?.text }

    /// The text of the first child called `name`, as text.
    func string(_ name: StaticString) -> String? {
        bytes(name).map { String(decoding: $0, as: UTF8.self) }
    }

    func isCalled(_ name: StaticString) -> Bool {
        name.withUTF8Buffer { $0.elementsEqual(self.name) }
    }
}
