// SPDX-License-Identifier: Apache-2.0

import Glibc

/// This process's environment, as configuration reads it.
package enum ProcessEnvironment {
    /// Names and values; the first of two with one name, as `getenv` has it. Entries that are not
    /// UTF-8 are left out: no setting of ours or of AWS's can be one.
    package static func current() -> [String: String] {
        var values: [String: String] = [:]
        var next = environ
        let equals = UInt8(ascii: "=")
        // SAFETY: `environ` ends with a null pointer, and nothing in this program changes it.
        while let entry = next.pointee {
            let bytes = UnsafeBufferPointer(start: entry, count: strlen(entry))
                .map { UInt8(bitPattern: $0) }
            if let cut = bytes.firstIndex(of: equals),
                let name = String(validating: bytes[..<cut], as: UTF8.self),
                let value = String(validating: bytes[(cut + 1)...], as: UTF8.self),
                values[name] == nil
            {
                values[name] = value
            }
            next += 1
        }
        return values
    }
}
