// SPDX-License-Identifier: Apache-2.0

/// This release; the same for the head and the worker.
package enum Release {
    package static let version = "0.1.0"
}
