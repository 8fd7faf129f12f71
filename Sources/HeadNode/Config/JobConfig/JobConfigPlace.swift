// SPDX-License-Identifier: Apache-2.0

import Yams

/// Where Galaxy has its job configuration, as its own part of `galaxy.yml` says
/// (`galaxy.jobs.JobConfiguration`).
enum JobConfigPlace: Equatable {
    /// In `galaxy.yml` itself, below `job_config`, which Galaxy prefers to any file.
    case inline
    /// In a file of its own; Galaxy takes a relative path from its folder of configuration files.
    case file(String)
    /// Beside `galaxy.yml`, under its usual name.
    case usual

    /// - Parameter bytes: of `galaxy.yml`. What cannot be read there is Galaxy's to judge.
    init(galaxyFile bytes: [UInt8]) {
        self = .usual
        guard let text = String(validating: bytes, as: UTF8.self),
            let parser = try? Parser(yaml: text, encoding: .utf8)
        else { return }
        // Nodes refer to their anchors weakly; the parser owns them.
        withExtendedLifetime(parser) {
            guard let galaxy = try? parser.singleRoot()?.mapping?["galaxy"]?.mapping else { return }
            if galaxy["job_config"]?.mapping != nil {
                self = .inline
            } else if let name = galaxy["job_config_file"]?.scalar?.string, !name.isEmpty {
                self = .file(name)
            }
        }
    }
}
