// SPDX-License-Identifier: Apache-2.0

import Contract
import Kubernetes
import Names

/// What each container of a try sees of its volume (`PodVolume`). A pure value.
///
/// The worker's containers see the whole volume; the tool's sees each root at its own path, and no
/// more of the rest than it needs.
struct VolumeLayout: Sendable {
    static let name = "work"
    static let folder = PodVolume.mountPath
    static let state = "\(folder)/\(PodVolume.state)"
    static let program = "\(folder)/\(PodVolume.programs)/\(PodVolume.worker)"
    static let credentials = "/galaxy-s3-executor-credentials"
    /// Where `fetch`, and no other container, sees the node's cache.
    static let cache = "/galaxy-s3-executor-cache"
    /// The paths that are ours in every container.
    static let reserved = [folder, credentials]

    /// The roots' paths, as a manifest takes them.
    private let roots: [String]

    /// - Throws: `.description` when Kubernetes cannot mount something at a root's path, or when
    ///   something else is mounted there.
    init(
        _ roots: [FilePath],
        claims: [ClaimMount]
    ) throws(HeadError) {
        var texts: [String] = []
        for root in roots {
            guard let text = String(validating: root.bytes, as: UTF8.self) else {
                throw Self.refuse(root, "its name is not UTF-8")
            }
            guard !root.bytes.contains(UInt8(ascii: ":")) else {
                throw Self.refuse(root, "its name holds a colon")
            }
            for path in Self.reserved where root.overlaps(path) {
                throw Self.refuse(root, "\(path) is used by galaxy-head-node itself")
            }
            for claim in claims where root.overlaps(claim.path) {
                throw HeadError(
                    .description,
                    what: "The job's directory \(root) and the claim \(claim.claim) at "
                        + "\(claim.path) would hide each other",
                    remedy: "Take the claim out of kubernetes.k8s_persistent_volume_claims: what "
                        + "Galaxy itself uses goes through the bucket."
                )
            }
            texts.append(text)
        }
        self.roots = texts
    }

    /// The whole volume.
    var whole: VolumeMount { VolumeMount(Self.name, at: Self.folder) }

    /// The tool's /tmp.
    var scratch: VolumeMount { VolumeMount(Self.name, at: "/tmp", subPath: PodVolume.temporary) }

    /// What the tool's container sees. What the worker's other verbs wrote in `state` is not its to
    /// change, unless it runs them all.
    func toolMounts(runsEverything: Bool) -> [VolumeMount] {
        var mounts = [scratch]
        // /tmp first: a root may lie below it.
        mounts += roots.enumerated()
            .map { VolumeMount(Self.name, at: $0.element, subPath: PodVolume.root($0.offset)) }
        mounts.append(
            VolumeMount(
                Self.name,
                at: "\(Self.folder)/\(PodVolume.programs)",
                subPath: PodVolume.programs,
                isReadOnly: true
            )
        )
        if runsEverything {
            mounts.append(VolumeMount(Self.name, at: Self.state, subPath: PodVolume.state))
        } else {
            mounts += [
                VolumeMount(
                    Self.name,
                    at: Self.state,
                    subPath: PodVolume.state,
                    isReadOnly: true
                ),
                VolumeMount(
                    Self.name,
                    at: "\(Self.folder)/\(PodVolume.toolState)",
                    subPath: PodVolume.toolState
                ),
            ]
        }
        return mounts
    }

    private static func refuse(
        _ root: FilePath,
        _ why: String
    ) -> HeadError {
        HeadError(
            .description,
            what: "Kubernetes cannot show a job the directory \(root): \(why)",
            remedy: "Move Galaxy's files to a directory with another name."
        )
    }
}

extension FilePath {
    /// Whether one of the two is the other, or lies below it.
    func overlaps(_ other: FilePath) -> Bool { isAtOrBelow(other) || other.isAtOrBelow(self) }

    fileprivate func overlaps(_ text: String) -> Bool {
        guard let other = try? FilePath(text) else { return false }
        return overlaps(other)
    }
}
