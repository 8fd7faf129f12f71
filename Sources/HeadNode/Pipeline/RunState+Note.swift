// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Names

/// How a state becomes a note, and is read from one.
///
/// A note is the state's JSON with one member in front, a checksum of all bytes that follow it: one byte
/// that changes on the disk could name another run, or another exit code, and still be JSON. Notes of
/// releases that wrote no checksum are taken without.
extension RunState {
    private static let name = "note of the run"
    private static let opening = Array(#"{"checksum":""#.utf8)
    private static let closing = Array(#"","#.utf8)
    private static let digits = 16

    /// What is written to the disk.
    func note() throws(HeadError) -> [UInt8] {
        do throws(ContractError) {
            let rest = try ContractCoding.encode(self).dropFirst()
            return Self.opening + Array(CRC64NVME(of: Array(rest)).hex.utf8) + Self.closing + rest
        } catch {
            throw HeadError(.machine, what: error.what)
        }
    }

    /// Reads what was noted in the file at `place`.
    init(note bytes: [UInt8], at place: FilePath) throws(HeadError) {
        do throws(ContractError) {
            guard Self.isWhole(bytes) else {
                throw ContractError(
                    .malformed,
                    what: "The \(Self.name) has changed since it was written"
                )
            }
            self = try ContractCoding.decode(RunState.self, from: bytes, name: Self.name)
        } catch {
            throw HeadError(
                .machine,
                what: error.what,
                place: place.logSafe,
                remedy: error.code == .version
                    ? "Use the release of galaxy-head-node that wrote it, or a later one."
                    : "Move the file away to begin a new run, once nothing of the old one runs any more; "
                        + "its results stay in the bucket."
            )
        }
    }

    /// Whether the checksum is that of what follows, or there is none.
    private static func isWhole(_ bytes: [UInt8]) -> Bool {
        guard bytes.starts(with: opening) else { return true }
        let said = bytes.dropFirst(opening.count)
        let rest = said.dropFirst(digits)
        return rest.starts(with: closing)
            && CRC64NVME(of: Array(rest.dropFirst(closing.count))).hex.utf8
                .elementsEqual(said.prefix(digits))
    }
}
