// SPDX-License-Identifier: Apache-2.0

import Testing

/// The arrows between targets, and who may hold each C library.
@Suite struct ImportTests {
    struct Import {
        var file: SourceFile
        var line: Int
        var module: String

        var place: String { "\(file.path):\(line)" }
    }

    /// Modules of the toolchain that any target may import.
    static let toolchain: Set = [
        "Dispatch", "FoundationEssentials", "Glibc", "RegexBuilder", "Synchronization", "Testing",
    ]

    /// The only folders that may import a module.
    static let owners = [
        "CCurl": ["Sources/Transport/"],
        "CCrypto": ["Sources/Digests/"],
        "CXML": ["Sources/XML/"],
        "CDigests": ["Sources/Digests/"],
        "CBoot": ["Sources/WorkerExec/"],
        "Yams": ["Sources/HeadNode/", "Sources/Kubernetes/"],
        "Subprocess": ["Sources/Kubernetes/Access/"],
        "SystemPackage": ["Sources/Kubernetes/Access/"],
        "ArgumentParser": ["Sources/HeadNode/", "Sources/WorkerExec/"],
    ]

    @Test func everyImportIsADependencyInPackageSwift() throws {
        let targets = try PackageTargets(manifest: #require(try Repository.text("Package.swift")))
        for found in try imports() where !Self.toolchain.contains(found.module) {
            let target = try #require(targets[found.file.folder], "\(found.place): no such target")
            #expect(
                target.dependencies.contains(found.module),
                "\(found.place): \(target.name) may not import \(found.module). Draw the arrow in Package.swift if ARCHITECTURE.md allows it."
            )
        }
    }

    @Test func eachCLibraryHasOneImporter() throws {
        for found in try imports() {
            guard let folders = Self.owners[found.module] else { continue }
            #expect(
                folders.contains { found.file.path.hasPrefix($0) },
                "\(found.place): only \(folders.joined(separator: " and ")) may import \(found.module). Use what it offers."
            )
        }
    }

    @Test func digestsAndTransportDoWithoutFoundation() throws {
        for found in try imports() where found.module == "FoundationEssentials" {
            #expect(
                !["Digests", "Transport", "Names", "Diagnostics"].contains(found.file.folder)
                    || found.file.path.hasPrefix("Tests/"),
                "\(found.place): use Glibc and bytes; these targets stand below Foundation"
            )
        }
    }

    @Test func theImportsThatAreLookedAtAreThere() throws {
        let modules = Set(try imports().map(\.module))
        #expect(modules.isSuperset(of: ["CCrypto", "CCurl", "Glibc", "Names", "Testing"]))
    }

    private func imports() throws -> [Import] {
        let statement = /^(?:@\w+ )?(?:\w+ )?import (?:(?:struct|class|enum|func|var) )?(\w+)/
        return try Repository.swiftFiles().filter { $0.path != "Package.swift" }
            .flatMap { file in
                file.lines.enumerated()
                    .compactMap { number, line in
                        line.firstMatch(of: statement)
                            .map {
                                Import(file: file, line: number + 1, module: String($0.output.1))
                            }
                    }
            }
    }
}
