// SPDX-License-Identifier: Apache-2.0

/// A tool's id taken apart. One of the Tool Shed's is
/// `<shed>/repos/<owner>/<repository>/<name>/<version>`; any other is a name without a version.
struct ToolName: Equatable, Sendable {
    let name: String
    let version: String?

    init(_ id: String) {
        let parts = id.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 6, parts[1] == "repos", !parts[4].isEmpty, !parts[5].isEmpty else {
            name = id
            version = nil
            return
        }
        name = parts[4]
        version = parts[5]
    }
}
