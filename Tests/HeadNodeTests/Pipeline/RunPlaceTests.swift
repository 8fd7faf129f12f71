// SPDX-License-Identifier: Apache-2.0

import Contract
import Digests
import FoundationEssentials
import Testing

@testable import HeadNode

@Suite struct RunPlaceTests {
    private func place(_ server: String?) throws -> RunPlace {
        var settings = try ScriptedWork.settings.get()
        settings.executor = .kubernetes
        return RunPlace(settings, server: server)
    }

    @Test func anotherClusterIsAnotherPlaceAndIsNamed() throws {
        var state = RunState(
            run: try RunID("1-" + String(repeating: "a", count: 16)),
            descriptionSHA256: SHA256Digest(of: []),
            place: try place("https://one:6443")
        )
        try state.check(try place("https://one:6443"))
        let error = #expect(throws: HeadError.self) {
            try state.check(try place("https://two:6443"))
        }
        #expect(error?.code == .otherPlace)
        #expect(error?.what.contains("https://one:6443") == true)
        #expect(error?.what.contains("https://two:6443") == true)
        // Notes of older releases do not say which server it was.
        state.place = try place(nil)
        try state.check(try place("https://two:6443"))
    }

    @Test func notesOfOlderReleasesStayReadable() throws {
        let text = #"{"bucket":"b","prefix":"p","instance":"i","cluster":"namespace n"}"#
        let old = try JSONDecoder().decode(RunPlace.self, from: Data(text.utf8))
        #expect(old.server == nil)
        let tried = #"{"number":1,"isDisruption":false,"isSubmitted":true}"#
        let noted = try JSONDecoder().decode(RunState.Try.self, from: Data(tried.utf8))
        #expect(noted.name == nil)
    }

    @Test func aJobKeepsTheNameThatWasNoted() throws {
        let instance = try InstanceName("galaxy")
        var settings = KubernetesSettings()
        var id = TryID(run: try RunID("1-" + String(repeating: "a", count: 16)), number: 1)
        id.name = settings.jobName(of: id, instance: instance).description
        settings.galaxyInstance = try InstanceName("another")
        #expect(settings.jobName(of: id, instance: instance).description == id.name)
        // What cannot be a name of ours is none.
        for wrong in [
            "gxy-a,b=c", "other", "gxy-", "gxy-A", "gxy-" + String(repeating: "a", count: 60),
        ] {
            id.name = wrong
            #expect(settings.jobName(of: id, instance: instance).description.contains("another"))
        }
    }
}
