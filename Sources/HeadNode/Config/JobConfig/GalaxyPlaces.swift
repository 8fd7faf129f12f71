// SPDX-License-Identifier: Apache-2.0

import Names
import Yams

/// Where Galaxy keeps what jobs use, as far as its own part of `galaxy.yml` says it. Pure.
struct GalaxyPlaces: Equatable {
    /// One of Galaxy's directories, with the key that names it.
    struct Place: Equatable {
        let key: String
        let path: FilePath
    }

    private(set) var places: [Place] = []
    /// Whether both datasets and job directories are among them.
    private(set) var areKnown = false

    /// Nothing is known.
    init() {}

    /// - Parameter bytes: of `galaxy.yml`. What cannot be read there is Galaxy's to judge.
    init(galaxyFile bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self),
            let parser = try? Parser(yaml: text, encoding: .utf8)
        else { return }
        // Nodes refer to their anchors weakly; the parser owns them.
        withExtendedLifetime(parser) {
            guard let galaxy = try? parser.singleRoot()?.mapping?["galaxy"]?.mapping else { return }
            read { galaxy[$0] }
        }
    }

    /// Of all that jobs read or write, what Galaxy has a key for. Relative ones of the first row lie below
    /// `data_dir`.
    private static let inDataDirectory = [
        "file_path", "new_file_path", "jobs_directory", "job_working_directory",
    ]
    private static let elsewhere = ["tool_data_path", "tool_path"]
    /// Datasets are where these say, and not in `file_path` alone.
    private static let objectStore = ["object_store_config", "object_store_config_file"]

    private mutating func read(_ value: (String) -> Node?) {
        func text(_ key: String) -> [UInt8]? {
            value(key)?.scalar.map { Array($0.string.utf8) }.flatMap { $0.isEmpty ? nil : $0 }
        }
        let data = text("data_dir").flatMap { Self.path($0, below: nil) }
        if let data { places.append(Place(key: "data_dir", path: data)) }
        var isLost = Self.objectStore.contains { value($0) != nil }
        for key in Self.inDataDirectory + Self.elsewhere {
            guard let written = text(key) else { continue }
            let isInData = Self.inDataDirectory.contains(key)
            if let path = Self.path(written, below: isInData ? data : nil) {
                places.append(Place(key: key, path: path))
            } else if isInData {
                isLost = true
            }
        }
        let named = Set(places.map(\.key))
        let isThere =
            data != nil
            || (named.contains("file_path")
                && !named.isDisjoint(with: ["jobs_directory", "job_working_directory"]))
        areKnown = isThere && !isLost
    }

    /// An absolute path, `..` taken by its text, as Galaxy does; nil where it is not known what one is
    /// relative to.
    private static func path(
        _ text: [UInt8],
        below directory: FilePath?
    ) -> FilePath? {
        var whole = text
        if text.first != FilePath.separator {
            guard let directory else { return nil }
            whole = directory.bytes + [FilePath.separator] + text
        }
        var kept: [ArraySlice<UInt8>] = []
        for component in whole.split(separator: FilePath.separator) {
            if component.elementsEqual("..".utf8) {
                _ = kept.popLast()
            } else {
                kept.append(component)
            }
        }
        return try? FilePath(
            normalising: [FilePath.separator] + kept.joined(separator: [FilePath.separator])
        )
    }
}
