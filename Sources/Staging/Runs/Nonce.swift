// SPDX-License-Identifier: Apache-2.0

import Digests
import Names

/// Names that nobody has used before.
package enum Nonce {
    /// 128 random bits as 32 hexadecimal digits.
    package static func draw() -> String { Hex.encode(SecureRandom.bytes(16)) }
}
