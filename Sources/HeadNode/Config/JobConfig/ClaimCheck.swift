// SPDX-License-Identifier: Apache-2.0

import Names

/// What is said of volume claims before a job is: most are left in from Galaxy's own runner. Pure.
struct ClaimCheck {
    let galaxy: GalaxyPlaces

    /// One warning for each claim that hides what Galaxy has; one for all where that cannot be seen.
    ///
    /// - Parameter entries: what is configured, the last of a key counting.
    func warnings(_ entries: [ConfigEntry]) -> [ConfigProblem] {
        let key = KubernetesKeys.claims
        guard let entry = entries.last(where: { $0.path.utf8.elementsEqual(key.key.path.utf8) }),
            let claims = try? key.parse(entry.text)
        else { return [] }
        let hiding = claims.compactMap { claim in
            galaxy.places.first { $0.path.overlaps(claim.path) }
                .map { warning(claim, $0, at: entry.origin) }
        }
        if galaxy.areKnown || !hiding.isEmpty { return hiding }
        return [
            ConfigProblem(
                at: entry.origin,
                what: "\(entry.path): whether a claim hides Galaxy's directories cannot be seen "
                    + "here, for galaxy.yml does not say where all datasets and job directories "
                    + "are; \(Self.consequence)",
                remedy: "Take out what tools do not need themselves: "
                    + "nothing of Galaxy's needs a claim."
            )
        ]
    }

    private static let consequence = "a job that has files where a claim hides them is refused"

    private func warning(
        _ claim: ClaimMount,
        _ place: GalaxyPlaces.Place,
        at origin: ConfigEntry.Origin
    ) -> ConfigProblem {
        ConfigProblem(
            at: origin,
            what: "\(KubernetesKeys.claims.key.path): the claim \(claim.claim) at \(claim.path) "
                + "and Galaxy's \(place.key), \(place.path), would hide each other; "
                + Self.consequence,
            remedy: "Take the claim out: what Galaxy itself uses goes through the bucket."
        )
    }
}
