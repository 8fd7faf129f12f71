// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Testing

/// The checkout that these tests were compiled from.
enum Repository {
    /// Its root, absolute: this file is `Tests/TidyTests/Repository.swift` below it.
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// Every regular file below the folders that people write in, sorted by path; read once.
    static func files() throws -> [SourceFile] { try everything.get() }

    private static let everything = Result { try readAll() }

    private static func readAll() throws -> [SourceFile] {
        let written = [
            ".ci", "Benchmarks", "Scripts", "Sources", "Tests", "config", "plugin",
            "Makefile", "Package.swift",
        ]
        return try written.flatMap(paths(at:)).sorted().map(SourceFile.init(path:))
    }

    static func swiftFiles() throws -> [SourceFile] {
        try files().filter { $0.path.hasSuffix(".swift") }
    }

    /// The text of the file, or nil if there is none at that path.
    static func text(_ path: String) throws -> String? {
        guard FileManager.default.fileExists(atPath: root + "/" + path) else { return nil }
        return String(
            decoding: try Data(contentsOf: URL(filePath: root + "/" + path)),
            as: UTF8.self
        )
    }

    private static func paths(at path: String) throws -> [String] {
        var isDirectory = false
        guard
            FileManager.default.fileExists(atPath: root + "/" + path, isDirectory: &isDirectory)
        else { return [] }
        guard isDirectory else { return [path] }
        return try FileManager.default.contentsOfDirectory(atPath: root + "/" + path)
            .filter { $0 != "__pycache__" && !$0.hasPrefix(".build") }
            .flatMap { try paths(at: path + "/" + $0) }
    }
}
