// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// One line of a watch's stream.
enum WatchLine<Resource: ClusterResource>: Decodable, Sendable {
    /// New, or another version.
    case changed(Resource)
    case deleted(Resource)
    /// Nothing has happened up to this version.
    case bookmark(version: String)
    /// The stream is over.
    case failed(ServerStatus)

    private enum CodingKeys: String, CodingKey { case type, object }

    private struct Bookmark: Decodable { let metadata: ObjectMeta }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        switch try fields.decode(String.self, forKey: .type) {
        case "ADDED", "MODIFIED":
            self = .changed(try fields.decode(Resource.self, forKey: .object))
        case "DELETED":
            self = .deleted(try fields.decode(Resource.self, forKey: .object))
        case "BOOKMARK":
            let bookmark = try fields.decode(Bookmark.self, forKey: .object)
            self = .bookmark(version: bookmark.metadata.resourceVersion)
        case "ERROR":
            self = .failed(try fields.decode(ServerStatus.self, forKey: .object))
        default:
            throw DecodingError.dataCorruptedError(
                forKey: .type,
                in: fields,
                debugDescription: "it is no event of a watch"
            )
        }
    }

    init(_ line: [UInt8]) throws { self = try JSONDecoder().decode(Self.self, from: Data(line)) }

    /// Where to go on after it; empty for nowhere new.
    var version: String {
        switch self {
        case .changed(let resource), .deleted(let resource): resource.metadata.resourceVersion
        case .bookmark(let version): version
        case .failed: ""
        }
    }
}
