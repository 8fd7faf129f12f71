// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Glibc

/// What `~/.aws/config` and `~/.aws/credentials` say for one profile (AWS SDKs and tools reference
/// guide, "Shared config and credentials files"). The environment names files and profile:
/// `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE`, `AWS_PROFILE`.
package struct SharedConfig: Sendable, Equatable {
    package let profile: String
    /// The properties of the profile; those of the credentials file win.
    package let properties: [String: String]
    /// The files that were looked for, and what became of each.
    package let places: [String]
    /// The same files as they were when they were read.
    package let files: [FileSighting]

    package var region: String? { properties["region"] }
    package var caBundle: String? { properties["ca_bundle"] }

    /// `endpoint_url`, unless the configuration asks to leave it out.
    package var endpointURL: String? {
        properties["ignore_configured_endpoint_urls"] == "true" ? nil : properties["endpoint_url"]
    }

    /// Reads the files that the environment names.
    ///
    /// - Throws: `.configuration` with file and line for a file that cannot be understood, or a
    ///   profile that was asked for by name and is in neither.
    package static func load(environment: [String: String]) throws(S3Error) -> SharedConfig {
        let home = environment["HOME"] ?? ""
        func path(_ variable: String, _ name: String) -> String {
            guard let path = environment[variable], !path.isEmpty else {
                return home + "/.aws/" + name
            }
            return path.utf8.starts(with: "~/".utf8) ? home + String(path.dropFirst()) : path
        }
        let named = environment["AWS_PROFILE"].flatMap { $0.isEmpty ? nil : $0 }
        let profile = named ?? "default"
        var properties: [String: String] = [:]
        var places: [String] = []
        var sightings: [FileSighting] = []
        var isFound = false
        let files = [
            (path("AWS_CONFIG_FILE", "config"), true),
            (path("AWS_SHARED_CREDENTIALS_FILE", "credentials"), false),
        ]
        for (file, isConfig) in files {
            let (contents, sighting) = try SmallFile.readSighted(file)
            sightings.append(sighting)
            guard let bytes = contents else {
                places.append("\(file.logSafe) does not exist")
                continue
            }
            let text = try ConfigText(bytes, file: file)
            guard let found = text.profile(profile, isConfig: isConfig) else {
                places.append("\(file.logSafe) has no profile \(profile.logSafe)")
                continue
            }
            isFound = true
            places.append("\(file.logSafe) has no key in profile \(profile.logSafe)")
            properties.merge(found) { _, later in later }
        }
        guard isFound || named == nil else {
            throw S3Error(
                .configuration,
                what: "Cannot find the profile \(profile.logSafe)",
                place: places.joined(separator: "; "),
                remedy: "Correct AWS_PROFILE, or add the profile."
            )
        }
        return SharedConfig(
            profile: profile,
            properties: properties,
            places: places,
            files: sightings
        )
    }
}

/// Reads small files of configuration whole.
enum SmallFile {
    private static let longest = 1 << 20

    /// The file's bytes; nil when there is none.
    static func read(_ path: String) throws(S3Error) -> [UInt8]? {
        try readSighted(path).bytes
    }

    /// The file's bytes, and which file it was before the first of them was read.
    static func readSighted(
        _ path: String
    ) throws(S3Error) -> (bytes: [UInt8]?, sighting: FileSighting) {
        func refuse(_ why: String, _ remedy: String) -> S3Error {
            .configuration("Cannot read \(path.logSafe): \(why)", remedy: remedy)
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return (nil, FileSighting(path, nil)) }
            throw refuse(String(cString: strerror(errno)), "Let this user read it.")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw refuse("it is not a file", "Name a file.")
        }
        guard status.st_size <= longest else {
            throw refuse("it has \(status.st_size) bytes", "Name the right file.")
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= longest {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { return (bytes, FileSighting(path, status)) }
            guard count > 0 || errno == EINTR else {
                throw refuse(String(cString: strerror(errno)), "")
            }
            if count > 0 { bytes += buffer[..<count] }
        }
        throw refuse("it grows while it is read", "Name the right file.")
    }
}
