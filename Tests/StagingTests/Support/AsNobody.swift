// SPDX-License-Identifier: Apache-2.0

import Glibc

/// setfsuid(2), whose header Swift does not see.
@_silgen_name("setfsuid") private func setFileSystemUser(_ user: UInt32) -> Int32

/// Runs `body` without root's right to read everything. Of this thread alone, so `body` must stay
/// on it.
func asNobody<Value>(_ body: () throws -> Value) rethrows -> Value {
    _ = setFileSystemUser(geteuid() == 0 ? 65_534 : geteuid())
    defer { _ = setFileSystemUser(geteuid()) }
    return try body()
}
