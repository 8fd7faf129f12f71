// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TestSupport

/// A folder of its own for files that a test writes.
final class TokenFile: Sendable {
    let folder: String
    var path: String { folder + "/token" }

    init(_ content: String) throws {
        var template = Array("/tmp/galaxy-kubernetes-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ChildProcess.Failure(description: "mkdtemp") }
        folder = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
        write(content)
    }

    /// Replaces the token as the kubelet does: at once.
    func write(_ content: String) {
        try? ChildProcess.write(Array(content.utf8), to: path + ".new")
        rename(path + ".new", path)
    }

    func write(_ content: String, to name: String) throws {
        try ChildProcess.write(Array(content.utf8), to: folder + "/" + name)
    }

    func remove() {
        guard let directory = opendir(folder) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            unlink(folder + "/" + name)
        }
        closedir(directory)
        rmdir(folder)
    }
}
