// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite struct BanListTests {
    @Test(arguments: BanRule.all)
    func nothingBannedIsSaid(_ rule: BanRule) throws {
        let findings = try rule.findings(in: Repository.swiftFiles())
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test(arguments: BanRule.all)
    func eachRuleFindsItsExample(_ rule: BanRule) throws {
        let file = SourceFile(path: "Sources/Example.swift", text: rule.example)
        #expect(try rule.findings(in: [file]) == ["Sources/Example.swift:1: \(rule.instead)"])
    }

    @Test func aReasonAboveIsTakenAndWordsInStringsAreNotCode() throws {
        let file = SourceFile(
            path: "Sources/Example.swift",
            text: """
                /// Only its owner's thread touches it.
                final class Box: @unchecked Sendable {}
                let text = "call fatalError( or try! it"  // a remark on fatalError(
                """
        )
        #expect(try BanRule.all.flatMap { try $0.findings(in: [file]) }.isEmpty)
    }
}
