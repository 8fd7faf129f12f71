// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client

/// Puts links in place of inputs that have been staged, so that Galaxy's disk need not keep them too.
///
/// Only files that Galaxy itself says are its own are replaced, and only while they are the version that
/// is recorded as staged: a file that was too new for a record stays.
package struct InputLinkRun: Sendable {
    let keeper: LinkKeeper

    package init(_ keeper: LinkKeeper) { self.keeper = keeper }

    /// - Parameter staged: what the spec says of them.
    /// - Returns: how many have become links.
    @discardableResult
    package func callAsFunction(
        _ plan: StagePlan,
        _ staged: [InputEntry]
    ) async throws(StagingError) -> Int {
        let entries = Dictionary(
            staged.map { ($0.path, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        var count = 0
        var isTrusted = false
        for file in plan.shared where plan.replaceable.contains(file.path) {
            guard let entry = entries[file.path], let staged = PushedFile(entry),
                try await isRecorded(file)
            else { continue }
            let output = KeptOutput(file: staged, key: entry.key)
            let age = try await keeper.look.store.age(
                of: output,
                now: keeper.now(),
                provenBelow: LinkKeeper.longestAge
            )
            guard let age, age < LinkKeeper.longestAge else { continue }
            if !isTrusted, let trouble = try await keeper.look.trouble() {
                keeper.note("Inputs stay files, and are not linked: \(trouble).")
                return count
            }
            isTrusted = true
            if let trouble = await keeper.look.trouble(with: entry.key, size: entry.size) {
                keeper.note("\(file.path) stays a file, and is not linked: \(trouble).")
                continue
            }
            guard let parent = file.path.parent, isUnchanged(file) else { continue }
            try await keeper.link(output, try RootSet([parent])) { () throws(StagingError) in
                guard isUnchanged(file) else { throw .changed(file.path) }
            }
            count += 1
        }
        return count
    }

    private func isRecorded(_ file: SurveyedFile) async throws(StagingError) -> Bool {
        do throws(S3Error) {
            let key = keeper.look.layout.staged(file.path, version: file.stamp.digest)
            return try await keeper.look.store.head(key) != nil
        } catch {
            throw .store("look for the record of \(file.path)", error)
        }
    }

    /// Whether the path is the very file that was surveyed, and no link to one.
    private func isUnchanged(_ file: SurveyedFile) -> Bool {
        guard let status = FileStatus(at: file.path) else { return false }
        return status.kind == .file && status.stamp == file.stamp
    }
}

extension PushedFile {
    /// An input as the spec has it; nil for an object of Galaxy's own.
    fileprivate init?(_ entry: InputEntry) {
        guard let digest = entry.digest, entry.galaxyObject == nil else { return nil }
        self.init(
            path: entry.path,
            size: entry.size,
            digest: digest,
            mode: entry.mode,
            modified: entry.modified,
            location: .object(entry.key)
        )
    }
}
