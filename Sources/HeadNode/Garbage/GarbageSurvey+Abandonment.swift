// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Names
import S3Client
import Staging

extension GarbageSurvey {
    /// Makes sure that no link is given up that another Galaxy may have: once that one is forgotten, a link
    /// that is not on this disk is gone, and its object, which may be the only copy, is freed in time.
    ///
    /// - Throws: `.busy` where there are such links that were not known to be gone before.
    func checkAbandonment() async throws(HeadError) {
        let listed = try await storing("Cannot list what is in the bucket") {
            () async throws(S3Error) in try await store.entries(below: layout.everything)
        }
        var facts = GarbageFacts(instance: layout.instance, layout: layout, objects: listed)
        try await staging("Cannot find out what links there are") {
            () async throws(StagingError) in try await readLinks(&facts)
        }
        let gone = facts.links.filter { $0.value.path == .other && !$0.value.isMarked }
        guard let first = gone.min(by: { "\($0.key)" < "\($1.key)" }) else { return }
        throw Self.refusal(toAbandon: gone.count, store.url(of: first.value.key), layout.instance)
    }

    static func refusal(
        toAbandon count: Int,
        _ object: String,
        _ instance: InstanceName
    ) -> HeadError {
        HeadError(
            .busy,
            what: "Links of instance \(instance) are not on this disk, \(count) of them",
            place: "one is to \(object)",
            remedy: "What they lead to would be freed in time. Where a Galaxy still has them, put "
                + "files in their place first (docs/galaxy.md, \"Two Galaxies by mistake\"); if nobody "
                + "has, add --abandon-links."
        )
    }
}
