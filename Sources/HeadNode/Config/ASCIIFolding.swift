// SPDX-License-Identifier: Apache-2.0

extension UInt8 {
    /// A to Z as a to z; every other byte as it is.
    var asciiLowercase: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }

    /// a to z as A to Z; every other byte as it is.
    var asciiUppercase: UInt8 {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) ? self & ~0x20 : self
    }
}
