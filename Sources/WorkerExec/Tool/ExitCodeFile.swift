// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Names
import Staging

/// Galaxy's own record of how the tool ended: a decimal number, 0 to 255, in the `.ec` file.
///
/// The job script's exit status is that of its last command, so nothing but this file says how the
/// tool fared. A missing or unreadable one is a failure, never a zero.
enum ExitCodeFile {
    /// The code, or one sentence on why there is none.
    ///
    /// - Throws: `.io` when it may be there and this machine cannot read it: that says nothing about the
    ///   tool.
    static func read(
        _ path: FilePath,
        in roots: RootSet
    ) throws(StagingError) -> Result<Int, Missing> {
        let bytes: [UInt8]
        do throws(StagingError) {
            // Looked at before it is opened: a socket fails to open as a broken disk's file does.
            if let kind = try roots.status(path)?.kind, kind != .file {
                return .failure(Missing(text: "\(path) is no regular file"))
            }
            let file = try roots.open(path)
            guard try file.status().kind == .file else {
                return .failure(Missing(text: "\(path) is no regular file"))
            }
            bytes = try file.readAll(limit: 64, name: path)
        } catch {
            if error.code == .io { throw error }
            return .failure(Missing(text: error.headline))
        }
        guard let code = code(bytes) else {
            return .failure(Missing(text: "\(path) holds no number from 0 to 255"))
        }
        return .success(code)
    }

    /// Reads a number from 0 to 255 with white space around it.
    static func code(_ bytes: [UInt8]) -> Int? {
        let blanks = Set(" \t\r\n".utf8)
        let words = bytes.split { blanks.contains($0) }
        guard words.count == 1, (1...3).contains(words[0].count),
            words[0].allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let code = Int(String(decoding: words[0], as: UTF8.self)), code <= 255
        else { return nil }
        return code
    }

    struct Missing: Error {
        let text: String
    }
}
