// SPDX-License-Identifier: Apache-2.0

import Names

/// `{"key": "…"}` or `{"pack": 0}`.
extension PushedFile.Location: Codable {
    private enum Key: String, CodingKey {
        case key
        case pack
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if let index = try container.decodeIfPresent(Int.self, forKey: .pack) {
            self = .pack(index)
        } else {
            self = .object(try container.decode(ObjectKey.self, forKey: .key))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .object(let key): try container.encode(key, forKey: .key)
        case .pack(let index): try container.encode(index, forKey: .pack)
        }
    }
}
