// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client
import Staging

/// Which files of a directory become which objects. A pure value, made before anything is sent.
///
/// Hidden files are files. A directory has no object of its own, so an empty one does not travel.
/// Links are never followed: what they point to is not in the directory, or is there already.
struct UploadList: Sendable {
    /// One file, by its name below the directory.
    struct Item: Sendable {
        let name: RelativePath
        /// In bytes, when the directory was surveyed.
        let size: Int64
    }

    /// The large ones first, so that none of them is what the end has to wait for.
    let items: [Item]
    /// What cannot travel, each by name.
    let refusals: [S3Error]
    /// Links that were left out because it was asked for.
    let skippedLinks: Int
    private let prefix: [UInt8]

    /// - Parameters:
    ///   - top: the directory that was surveyed.
    ///   - prefix: what all keys begin with; empty, or ending in a slash.
    init(
        _ survey: TreeSurvey,
        of top: FilePath,
        below prefix: [UInt8],
        skippingLinks: Bool
    ) {
        self.prefix = prefix
        var refusals = survey.refused.map { Self.refusal($0.path, $0.reason) }
        var items: [Item] = []
        items.reserveCapacity(survey.files.count)
        for file in survey.files {
            guard let name = file.path.relative(to: top) else { continue }
            do throws(NameError) {
                _ = try Self.key(of: name, below: prefix)
                items.append(Item(name: name, size: file.size))
            } catch {
                refusals.append(Self.refusal(file.path, error.reason))
            }
        }
        if !skippingLinks {
            refusals += survey.links.map { link in
                Self.refusal(
                    link.path,
                    "it is a symbolic link",
                    "Copy what it points to by itself, or leave links out with --skip-links."
                )
            }
        }
        self.items = items.filter { $0.isLarge } + items.filter { !$0.isLarge }
        self.refusals = refusals
        skippedLinks = skippingLinks ? survey.links.count : 0
    }

    /// Where the file goes.
    func key(of item: Item) throws(NameError) -> ObjectKey {
        try Self.key(of: item.name, below: prefix)
    }

    private static func key(
        of name: RelativePath,
        below prefix: [UInt8]
    ) throws(NameError) -> ObjectKey {
        try ObjectKey(prefix + name.bytes)
    }

    private static func refusal(
        _ path: FilePath,
        _ reason: String,
        _ remedy: String = ""
    ) -> S3Error {
        S3Error(.source, what: "Cannot upload \(path): \(reason)", remedy: remedy)
    }
}

extension UploadList.Item {
    fileprivate var isLarge: Bool { size >= PartPlan.defaultThresholdBytes }
}
