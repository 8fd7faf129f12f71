// SPDX-License-Identifier: Apache-2.0

import Contract
import FoundationEssentials
import Names
import Synchronization
import TestSupport
import Testing

@testable import HeadNode

/// The conversations in Transcripts, line by line: they are the protocol.
@Suite struct TranscriptTests {
    @Test(arguments: Transcript.names)
    func isReplayed(_ name: String) async throws {
        let transcript = try Transcript(name)
        let plugin = ScriptedPlugin()
        try await plugin.talk { plugin in
            for line in transcript.lines {
                switch line.step {
                case .said(let text): plugin.say(text)
                case .happens(let job, let what): try plugin.let(what, happenTo: job)
                case .heard(let text):
                    let heard = try await plugin.hear()
                    #expect(heard == text, "\(name):\(line.number)")
                    // What follows would be wrong for no reason of its own.
                    if heard != text { return }
                }
            }
            await plugin.hangUp()
            #expect(plugin.unheard == [], "\(name): more was said")
        }
    }

    @Test func thereAreTranscripts() throws {
        #expect(Transcript.names.count >= 6)
        let all = try Transcript.names.flatMap { try Transcript($0).lines }
        let methods = [
            "hello", "submit", "cancel", "finished", "forget", "status", "collect", "shutdown",
        ]
        for method in methods {
            #expect(
                all.contains { line in
                    guard case .said(let text) = line.step else { return false }
                    return text.contains(#""method":"\#(method)""#)
                },
                "no transcript shows \(method)"
            )
        }
        for state in ServeState.allCases where state != .walltime {
            #expect(
                all.contains { line in
                    guard case .heard(let text) = line.step else { return false }
                    return text.contains(#""state":"\#(state.rawValue)""#)
                },
                "no transcript shows \(state)"
            )
        }
    }

    /// The plugin's encoder writes as the transcripts do: sorted keys, no spaces.
    @Test(arguments: Transcript.names)
    func linesAreCanonical(_ name: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for line in try Transcript(name).lines {
            let text: String
            switch line.step {
            case .said(let said): text = said
            case .heard(let heard): text = heard
            case .happens: continue
            }
            guard let value = try? JSONDecoder().decode(ParameterValue.self, from: Data(text.utf8))
            else { continue }
            let again = String(decoding: try encoder.encode(value), as: UTF8.self)
            #expect(again == text, "\(name):\(line.number)")
        }
    }
}
