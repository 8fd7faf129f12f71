// SPDX-License-Identifier: Apache-2.0

import Names
import Testing

@testable import HeadNode

@Suite struct MachineExaminationTests {
    /// A header with one program header of `type`, whose content is at byte 120.
    private func program(_ type: UInt8, content: String = "") -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 120)
        bytes.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
        bytes[32] = 64
        bytes[54] = 56
        bytes[56] = 1
        bytes[64] = type
        bytes[72] = 120
        return bytes + Array(content.utf8) + [0]
    }

    @Test func aProgramWithoutALoaderIsStatic() {
        #expect(ProgramFile(program(1)) == .isStatic)
        #expect(
            ProgramFile(program(3, content: "/lib64/ld.so"))
                == .needs(loader: Array("/lib64/ld.so".utf8))
        )
    }

    @Test func anythingElseIsNoProgram() {
        #expect(ProgramFile([]) == .isNoProgram)
        #expect(ProgramFile(Array("#!/bin/sh\n".utf8)) == .isNoProgram)
        var narrow = program(1)
        narrow[4] = 1
        #expect(ProgramFile(narrow) == .isNoProgram)
        #expect(ProgramFile(Array(program(1).prefix(63))) == .isNoProgram)
    }

    /// Offsets in a file can say anything.
    @Test func offsetsBeyondTheEndAreHarmless() {
        var bytes = program(3, content: "x")
        for index in 32..<40 { bytes[index] = 0xFF }
        #expect(ProgramFile(bytes) == .isNoProgram)
        bytes = program(3, content: "x")
        for index in 72..<80 { bytes[index] = 0xFF }
        #expect(ProgramFile(bytes) == .needs(loader: []))
        bytes = program(3)
        bytes[57] = 0xFF
        #expect(ProgramFile(bytes) == .needs(loader: []))
    }

    @Test func thisVeryTestWantsALoader() throws {
        let own = try ProgramFile(at: try FilePath("/proc/self/exe"))
        guard case .needs(let loader) = own else {
            Issue.record("a test program is dynamic: \(own)")
            return
        }
        #expect(loader.first == UInt8(ascii: "/"))
    }

    @Test func aWorkerThatIsNotThereHasARemedy() throws {
        let found = ProgramExamination(configured: try FilePath("/nowhere/worker")).run()
        #expect(found.verdict == .fail)
        #expect(found.remedy.contains("local.worker"))
    }

    @Test func namespacesAreHelpedByWhatIsInTheWay() {
        var advice = NamespaceAdvice(isContainer: false)
        #expect(advice.remedy.contains("bwrap --unshare-all"))
        advice.isContainer = true
        #expect(advice.remedy.contains("--security-opt"))
        advice.apparmorRestriction = "1"
        #expect(advice.remedy.contains("apparmor_restrict_unprivileged_userns"))
        advice.mostNamespaces = "0"
        #expect(advice.remedy.contains("max_user_namespaces"))
        advice.usernsClone = "0"
        #expect(advice.remedy.contains("unprivileged_userns_clone"))
    }

    @Test func aDirectoryThatCannotBeMadeIsNamed() throws {
        let found = StateExamination(directory: try FilePath("/dev/null/state")).run()
        #expect(found.verdict == .fail)
        #expect(found.what.contains("/dev/null is no directory"))
        #expect(StateExamination(directory: try FilePath("/tmp/not/yet")).run().verdict != .fail)
    }
}
