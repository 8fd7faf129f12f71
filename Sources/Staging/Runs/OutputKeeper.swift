// SPDX-License-Identifier: Apache-2.0

/// What one output mode does for outputs that stay in the bucket: it looks before anything is put in
/// place, and acts when everything else is.
///
/// Both may be cut off anywhere and done again, also when they were done to their end before.
package protocol OutputKeeper: Sendable {
    /// Finds out what can stay in the bucket: `plan.copy` takes what cannot. Nothing that Galaxy sees
    /// has been changed when this returns or throws.
    ///
    /// - Throws: when what the report promises is not in the bucket.
    func examine(_ plan: inout OutputPlan) async throws(StagingError)

    /// Puts in place what stands for the kept outputs. Every one is visible whole or not at all.
    func settle(_ plan: OutputPlan) async throws(StagingError)
}

/// Keeps nothing in the bucket: every output is copied.
package struct CopyKeeper: OutputKeeper {
    package init() {}

    package func examine(_ plan: inout OutputPlan) { plan.copy(plan.kept) }

    package func settle(_ plan: OutputPlan) {}
}
