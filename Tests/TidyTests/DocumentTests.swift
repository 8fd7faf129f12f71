// SPDX-License-Identifier: Apache-2.0

import Testing

/// What the documents call a proof is there.
@Suite struct DocumentTests {
    private static let documents = ["docs/security.md", "docs/reliability.md"]

    @Test(arguments: documents)
    func everyTestThatIsNamedIsThere(_ path: String) throws {
        let page = try #require(try Repository.text(path))
        let files = try Repository.files().map(\.path)
        let suites = page.matches(of: /`([A-Za-z]+\*?[A-Za-z]*Tests)`/)
            .map { String($0.output.1) }
        #expect(suites.count > 5)
        for suite in suites {
            let parts = suite.split(separator: "*", omittingEmptySubsequences: false)
            let isThere = files.contains { file in
                let name = file.split(separator: "/").last ?? ""
                let isFile =
                    name.starts(with: parts[0]) && file.hasSuffix("\(parts[parts.count - 1]).swift")
                return isFile || file.hasPrefix("Tests/\(suite)/")
            }
            #expect(isThere, "\(path) names \(suite), which is not there")
        }
        for match in page.matches(of: /`?((?:Tests\/Tools|Scripts)\/[a-z0-9_-]+)/) {
            let tool = String(match.output.1)
            #expect(
                files.contains { $0 == tool || $0.hasPrefix(tool) },
                "\(path) names \(tool), which is not there"
            )
        }
    }
}
