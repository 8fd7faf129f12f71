// SPDX-License-Identifier: Apache-2.0

import Names

@testable import S3Client
@testable import Transport

enum StoreFuzzing {
    static func xml(_ bytes: [UInt8]) {
        if let page = try? ListPage(bytes) {
            precondition(page.entries.allSatisfy { $0.size >= 0 && !$0.key.bytes.contains(0) })
        }
        _ = try? UploadID(createAnswer: bytes)
        _ = try? PutReceipt(completeAnswer: bytes)
        _ = try? ETag(copyAnswer: bytes)
        _ = try? ETag(copyPartAnswer: bytes)
        _ = try? DeleteAnswer(bytes)
        _ = ErrorDocument(bytes)
    }

    static func heads(_ bytes: [UInt8]) {
        var reader = ResponseHeadReader()
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            do {
                guard let head = try reader.take(line + [UInt8(ascii: "\n")]) else { continue }
                let length = try head.bodyLength ?? 0
                precondition((200...999).contains(head.status) && length >= 0)
            } catch {
                return
            }
        }
    }

    static func credentials(_ bytes: [UInt8]) {
        guard let text = try? ConfigText(bytes, file: "credentials") else { return }
        _ = text.profile("default", isConfig: false)
        _ = text.profile("default", isConfig: true)
    }
}
