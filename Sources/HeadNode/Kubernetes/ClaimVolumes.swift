// SPDX-License-Identifier: Apache-2.0

import Kubernetes
import Names

/// The claims of the configuration as a pod has them: each claim one volume, however many folders
/// of it are mounted.
struct ClaimVolumes: Sendable {
    let volumes: [Volume]
    let mounts: [VolumeMount]

    init(_ claims: [ClaimMount]) {
        var names: [String] = []
        for claim in claims where !names.contains(claim.claim) { names.append(claim.claim) }
        volumes = names.enumerated()
            .map { index, name in
                let isReadOnly = claims.filter { $0.claim == name }.allSatisfy(\.isReadOnly)
                return .claim("claim-\(index)", of: name, isReadOnly: isReadOnly)
            }
        mounts = claims.map { claim in
            VolumeMount(
                "claim-\(names.firstIndex(of: claim.claim) ?? 0)",
                at: String(decoding: claim.path.bytes, as: UTF8.self),
                subPath: claim.folder,
                isReadOnly: claim.isReadOnly
            )
        }
    }
}
