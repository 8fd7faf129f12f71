// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client

/// Puts back staged objects that a spec names and the bucket has no more.
///
/// The spec cannot change, so the bytes must be the promised ones: a file that is another one by
/// now is an error.
package struct RestageRun: Sendable {
    let store: any ObjectStore
    let transfers: Int

    package init(store: any ObjectStore, transfers: Int) {
        self.store = store
        self.transfers = transfers
    }

    /// - Returns: whether anything was missing.
    package func callAsFunction(_ spec: RunSpec) async throws(StagingError) -> Bool {
        let restored = try await boundedMap(spec.inputs, limit: transfers) {
            (input) async throws(StagingError) -> Bool in try await restore(input)
        }
        return restored.contains(true)
    }

    private func restore(_ input: InputEntry) async throws(StagingError) -> Bool {
        do throws(S3Error) {
            if try await store.head(input.key) != nil { return false }
        } catch {
            throw .store("look for \(input.path)", error)
        }
        let file = try SurveyedFile(trusted: input.path)
        let descriptor = try file.open()
        let source = DescriptorSource(descriptor, length: file.size, name: file.path)
        let upload = VerifiedUpload(store: store, meter: PhaseMeter("stage"))
        let digest = try await upload(source, to: input.key, name: input.path.logSafe)
        guard file.size == input.size, digest == input.digest else {
            throw StagingError(
                .changed,
                what: "\(input.path) is lost from the bucket, and on disk it is another file now",
                remedy: "Run the job again."
            )
        }
        return true
    }
}
