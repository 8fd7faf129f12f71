// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import Glibc
import S3Client

/// How a command of `galaxy-head-node` ends: status 0, or a message on standard error and a status
/// of sysexits.h.
enum CommandEnd {
    /// Runs `work` and turns its error into messages and an exit status.
    static func of(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let end as ExitCode {
            throw end
        } catch let error as ConfigError {
            for line in error.lines { Console.err(line) }
            throw ExitCode(ConfigError.exitStatus)
        } catch let error as S3Error {
            Console.err(error.line)
            throw ExitCode(status(for: error))
        } catch let error as any ExplainedError {
            Console.err(error.line)
            throw ExitCode(1)
        }
    }

    /// 69 unreachable, 77 denied, 66 not there, 78 configuration, 130 interrupted, 1 all else.
    static func status(for error: S3Error) -> Int32 {
        switch error.code {
        case .unreachable, .unavailable: 69
        case .accessDenied, .noCredentials: 77
        case .noSuchKey, .noSuchBucket: 66
        case .configuration, .untrusted: ConfigError.exitStatus
        case .cancelled: 130
        default: 1
        }
    }
}
