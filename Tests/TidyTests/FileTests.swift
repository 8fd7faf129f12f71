// SPDX-License-Identifier: Apache-2.0

import Testing

/// What holds for files whatever their language.
@Suite struct FileTests {
    static let licensed = [".swift", ".c", ".h", ".py", ".sh"]

    @Test func everyFileNamesItsLicence() throws {
        for file in try Repository.files() where isProgram(file) {
            #expect(
                file.lines.prefix(3)
                    .contains { $0.contains("SPDX-License-Identifier: Apache-2.0") },
                "\(file.path): begin it with an SPDX-License-Identifier line"
            )
        }
    }

    /// A file that outgrows this has more than one subject.
    @Test func swiftFilesStayShort() throws {
        for file in try Repository.swiftFiles() {
            #expect(file.lines.count <= 400, "\(file.path): split it, one type a file")
        }
    }

    /// Packages are asked for by name; where they come from is the machine's business.
    @Test func scriptsNameNoRegistry() throws {
        let hosts = ["pypi." + "org", "deb.debian" + ".org", "pythonhosted" + ".org"]
        for file in try Repository.files() where !file.path.hasPrefix("Sources/") {
            for host in hosts {
                #expect(
                    !file.lines.contains { $0.contains(host) },
                    "\(file.path): name the package, not the host \(host)"
                )
            }
        }
    }

    @Test func packageTypesSayWhatTheyPromise() throws {
        let declaration = #/^package (?:final |indirect )?(?:struct|class|enum|actor|protocol) /#
        for file in try Repository.swiftFiles() where file.path.hasPrefix("Sources/") {
            for index in file.lines.indices
            where file.lines[index].firstMatch(of: declaration) != nil {
                #expect(
                    isDocumented(index, in: file),
                    "\(file.path):\(index + 1): add a doc comment"
                )
            }
        }
    }

    private func isProgram(_ file: SourceFile) -> Bool {
        Self.licensed.contains { file.path.hasSuffix($0) }
            || file.lines.first?.hasPrefix("#!") == true
    }

    /// Whether a doc comment ends above the declaration, attributes between them aside.
    private func isDocumented(_ index: Int, in file: SourceFile) -> Bool {
        let above = file.lines[..<index].last { !$0.drop { $0 == " " }.hasPrefix("@") }
        return above?.drop { $0 == " " }.hasPrefix("///") == true
    }
}
