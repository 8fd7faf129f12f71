// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A Status (v1): what the server says when it does not do what was asked.
struct ServerStatus: Decodable, Sendable, Equatable {
    var message: String
    /// One word, such as `AlreadyExists`; empty where the server has none.
    var reason: String
    var code: Int
    var details: Details

    struct Details: Decodable, Sendable, Equatable {
        /// Of the object that it is about; the plural or the kind.
        var kind = ""
        var name = ""
        var causes: [Cause] = []
        var retryAfterSeconds: Int?

        init() {}

        private enum CodingKeys: String, CodingKey { case kind, name, causes, retryAfterSeconds }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            kind = try fields.decodeIfPresent(String.self, forKey: .kind) ?? ""
            name = try fields.decodeIfPresent(String.self, forKey: .name) ?? ""
            causes = try fields.decodeIfPresent([Cause].self, forKey: .causes) ?? []
            retryAfterSeconds = try fields.decodeIfPresent(Int.self, forKey: .retryAfterSeconds)
        }
    }

    struct Cause: Decodable, Sendable, Equatable {
        var reason: String?
        var message: String?
        /// Such as `spec.template.spec.containers[0].image`.
        var field: String?
    }

    private enum CodingKeys: String, CodingKey { case kind, message, reason, code, details }

    /// - Throws: unless it is a Status.
    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        guard try fields.decodeIfPresent(String.self, forKey: .kind) == "Status" else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "it is no Status")
            )
        }
        message = try fields.decodeIfPresent(String.self, forKey: .message) ?? ""
        reason = try fields.decodeIfPresent(String.self, forKey: .reason) ?? ""
        code = try fields.decodeIfPresent(Int.self, forKey: .code) ?? 0
        details = try fields.decodeIfPresent(Details.self, forKey: .details) ?? Details()
    }

    /// The Status in the body of an answer, if there is one.
    init?(_ body: [UInt8]) {
        guard let status = try? JSONDecoder().decode(ServerStatus.self, from: Data(body))
        else { return nil }
        self = status
    }

    /// Whether it says that what was too old to be known was asked for.
    var isExpired: Bool { code == 410 || reason == "Expired" || reason == "Gone" }
}
