// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Transport

/// Metadata services as scripts; no test speaks to a real one.
enum MetadataScript {
    static func json(
        id: String = "ASIAINSTANCE",
        token: String? = "session/token=",
        expiration: String? = "2023-11-14T23:13:20Z",
        code: String? = "Success"
    ) -> ScriptedTransport.Reply {
        let pairs = [
            ("Code", code), ("AccessKeyId", id), ("SecretAccessKey", "secret-of-\(id)"),
            ("Token", token), ("Expiration", expiration), ("RoleArn", "arn:aws:iam::1:role/r"),
        ]
        let lines = pairs.compactMap { name, value in value.map { "\"\(name)\": \"\($0)\"" } }
        return text("{\(lines.joined(separator: ", "))}")
    }

    static func text(_ text: String, status: Int = 200) -> ScriptedTransport.Reply {
        .answer(status: status, body: Array(text.utf8))
    }

    /// What an EC2 machine with the role `worker` says, and a container's endpoint at any other path.
    static func answer(
        to seen: ScriptedTransport.Seen,
        keys: ScriptedTransport.Reply = json()
    ) -> ScriptedTransport.Reply {
        let path = seen.request.url.split(separator: "/", maxSplits: 2).dropFirst(2).first ?? ""
        let list = "latest/meta-data/iam/security-credentials/"
        switch (seen.request.method, path) {
        case (.put, "latest/api/token"): return text("imds-token")
        case (.get, list[...]) where isAllowed(seen): return text("worker\n")
        case (.get, (list + "worker")[...]) where isAllowed(seen): return keys
        case (.get, _) where path.hasPrefix("latest/"): return text("", status: 401)
        default: return json(id: "ASIACONTAINER", code: nil)
        }
    }

    static var transport: ScriptedTransport { ScriptedTransport { answer(to: $0) } }

    private static func isAllowed(_ seen: ScriptedTransport.Seen) -> Bool {
        seen.field("x-aws-ec2-metadata-token") == "imds-token"
    }
}
