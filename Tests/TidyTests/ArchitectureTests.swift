// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite struct ArchitectureTests {
    @Test(.enabled("there is no ARCHITECTURE.md") { try Repository.text("ARCHITECTURE.md") != nil })
    func architectureNamesEveryTarget() throws {
        let page = try #require(try Repository.text("ARCHITECTURE.md"))
        let targets = try PackageTargets(manifest: #require(try Repository.text("Package.swift")))
            .all
        #expect(targets.count > 20)
        for target in targets where !target.name.hasSuffix("Tests") {
            #expect(page.contains(target.name), "say in ARCHITECTURE.md what \(target.name) is for")
        }
    }
}
