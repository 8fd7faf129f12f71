// SPDX-License-Identifier: Apache-2.0

extension String {
    /// Without the spaces at both ends; what is no space stays.
    var withoutOuterSpaces: String {
        let space = UInt8(ascii: " ")
        var rest = utf8[...]
        while rest.first == space { rest.removeFirst() }
        while rest.last == space { rest.removeLast() }
        return String(decoding: rest, as: UTF8.self)
    }
}
