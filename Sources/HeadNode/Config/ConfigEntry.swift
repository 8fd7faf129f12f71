// SPDX-License-Identifier: Apache-2.0

import Diagnostics

/// One value that somebody wrote, and where.
struct ConfigEntry: Sendable, Equatable {
    /// Where a value comes from, in the order of rank: later wins.
    enum Origin: Sendable, Equatable {
        case fallback
        /// A variable that AWS programs read.
        case shared(String)
        /// YAML knows columns, XML does not.
        case file(String, line: Int, column: Int?)
        case environment(String)
        case flag(String)
        /// A parameter of one of Galaxy's destinations; it holds for the jobs sent there.
        case destination(String, parameter: String)
    }

    /// The key's path, such as `s3.bucket`.
    let path: String
    let text: String
    let origin: Origin
}

extension ConfigEntry.Origin: CustomStringConvertible {
    /// As messages name the place.
    var description: String {
        switch self {
        case .fallback: "default"
        case .shared(let name), .environment(let name): "environment \(name)"
        case .file(let name, let line, let column):
            "\(name):\(line)" + (column.map { ":\($0)" } ?? "")
        case .flag(let path): "--set \(path)"
        case .destination(let name, let parameter):
            "destination \(name.logSafe), parameter \(parameter.logSafe)"
        }
    }
}
