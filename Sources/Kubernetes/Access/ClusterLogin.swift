// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// What we show the API server beside a client certificate.
package enum ClusterLogin: Sendable {
    case none
    case token(Redacted<String>)
    /// A file that somebody renews; it is read again when it changes.
    case tokenFile(String)
}
