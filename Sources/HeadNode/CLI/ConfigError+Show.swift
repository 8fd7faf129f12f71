// SPDX-License-Identifier: Apache-2.0

import S3Client

extension ConfigError {
    /// Shows every problem, one a line; without a program's name before it, so that editors find
    /// file, line and column.
    func show(json: Bool) {
        for problem in problems {
            if json {
                Complaint(ConfigError([problem]), status: Self.exitStatus).show(json: true)
            } else {
                Console.err(problem.line)
            }
        }
    }
}

extension SettingsResolver {
    /// Shows what works, but not as whoever wrote it may think, one a line.
    func showWarnings() {
        for warning in warnings { Console.err("warning: \(warning.line)") }
    }
}

extension S3Error {
    /// 69 unreachable, 77 denied, 66 not there, 78 configuration or certificate, 130 interrupted, 1
    /// all else.
    var exitStatus: Int32 {
        switch code {
        case .unreachable, .unavailable: 69
        case .accessDenied, .noCredentials: 77
        case .noSuchKey, .noSuchBucket: 66
        case .configuration, .untrusted: ConfigError.exitStatus
        case .cancelled: 130
        default: 1
        }
    }
}
