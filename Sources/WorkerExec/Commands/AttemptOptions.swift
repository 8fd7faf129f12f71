// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Contract
import Digests
import Names
import Staging

/// The arguments of every verb that speaks to the bucket.
struct AttemptOptions: ParsableArguments {
    @Option(help: "Where the bucket is, as JSON. Credentials come from the environment or files.")
    var storage: String

    @Option(help: "The key of the job's spec.")
    var spec: String

    @Option(help: "The spec's SHA-256: 64 hexadecimal digits.")
    var specSha256: String

    @Option(help: "Who makes this attempt: the pod's uid.")
    var pod = "local"

    @Option(help: "The folder on the job's volume where fetch, tool and push hand over.")
    var state: String

    @Option(
        help: "The whole volume of the pod, where the roots are not mounted at their own paths."
    )
    var volume: String?

    func location() throws(WorkerFailure) -> StorageLocation {
        do throws(ContractError) {
            return try StorageLocation(json: storage)
        } catch {
            throw WorkerFailure(.usage, error)
        }
    }

    func specReference() throws(WorkerFailure) -> SpecReference {
        guard let digest = SHA256Digest(hex: specSha256) else {
            throw WorkerFailure(.usage, "--spec-sha256 is not 64 hexadecimal digits")
        }
        do throws(NameError) {
            return SpecReference(key: try ObjectKey(spec), sha256: digest)
        } catch {
            throw WorkerFailure(.usage, error)
        }
    }

    func volumeFolder() throws(WorkerFailure) -> VolumeFolder? {
        guard let volume else { return nil }
        let path = try FilePath(argument: volume, option: "--volume")
        do throws(StagingError) {
            return try VolumeFolder(path: path)
        } catch {
            throw WorkerFailure(.io, error)
        }
    }

    func stateFolder() throws(WorkerFailure) -> StateFolder {
        try StateFolder(path: FilePath(argument: state, option: "--state"))
    }
}

/// Which spec, and exactly which bytes.
struct SpecReference: Sendable {
    let key: ObjectKey
    let sha256: SHA256Digest
}

extension FilePath {
    /// Reads an absolute path from a command line.
    init(argument text: String, option: String) throws(WorkerFailure) {
        do throws(NameError) {
            try self.init(normalising: text.utf8)
        } catch {
            throw WorkerFailure(.usage, "\(option): \(error.what)")
        }
    }
}
