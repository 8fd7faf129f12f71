// SPDX-License-Identifier: Apache-2.0

import Digests
import Names

/// The part of the bucket that is ours: safe ASCII segments joined by `/`, none at either end, or
/// nothing at all for the whole bucket.
package struct KeyPrefix: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// Takes segments of letters, digits and `. _ -`, other than `.` and `..`; at most 256 bytes.
    ///
    /// Slashes at either end are dropped.
    package init(_ text: String) throws(ContractError) {
        let slash = UInt8(ascii: "/")
        let bytes = Array(text.utf8.drop { $0 == slash }.reversed().drop { $0 == slash }.reversed())
        let segments = bytes.split(separator: slash, omittingEmptySubsequences: false)
        let safe = segments.allSatisfy { segment in
            let name = String(decoding: segment, as: UTF8.self)
            return !segment.isEmpty && name != "." && name != ".."
                && segment.allSatisfy(Self.isSafe)
        }
        guard bytes.isEmpty || (safe && bytes.count <= 256) else {
            throw .badValue(
                "key prefix",
                text,
                "expected segments of letters, digits and . _ - joined by single slashes"
            )
        }
        description = String(decoding: bytes, as: UTF8.self)
    }

    private static func isSafe(_ byte: UInt8) -> Bool {
        Grammar.isLowerOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || [UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-")].contains(byte)
    }
}

/// Spells every object key; nobody else puts keys together.
///
/// ```
/// <prefix>/stage/<sha256(path)>/<nonce>         bytes staged from the head's disk
/// <prefix>/staged/<sha256(path)>/<version>      record of what is staged
/// <prefix>/data/<instance>/<run>/<attempt>/<n>  bytes of one output
/// <prefix>/links/<instance>/<sha256(path)>/<sha256(key)>
///                                               record: a link on the head names this object
/// <prefix>/mount/<nonce>                        what is looked for in the mounted bucket, and removed
/// <prefix>/packs/<sha256>                       content-named packs
/// <prefix>/packs/<sha256>-<nonce>               the same where that object is damaged
/// <prefix>/jobs/<instance>/<run>/…              spec, pack, attempts, result
/// <prefix>/gc/<instance>                        somebody is freeing space
/// <prefix>/galaxies/<instance>/<nonce>          a Galaxy server's sign, renewed while it is served
/// <prefix>/doctor/<nonce>/…                     what `doctor` tries out, and removes
/// <prefix>/doctor/serve                         what `serve` tries to make anew at each start
/// ```
package struct JobLayout: Sendable, Hashable {
    package let prefix: KeyPrefix
    package let instance: InstanceName

    package init(prefix: KeyPrefix, instance: InstanceName) {
        self.prefix = prefix
        self.instance = instance
    }

    /// A fresh place for bytes staged from `path`.
    package func stage(_ path: FilePath, nonce: String) -> ObjectKey {
        key("stage/\(name(of: path))/\(nonce)")
    }

    /// The record for one version of the file at `path`; `version` is a hexadecimal digest.
    package func staged(_ path: FilePath, version: String) -> ObjectKey {
        key("staged/\(name(of: path))/\(version)")
    }

    /// The record that a link on the head at `path` names the object at `target`. Every Galaxy has its
    /// own, because two may have the same paths on different disks; and so has every object, because
    /// removing the record of one that is named no more must not remove another's.
    package func link(_ path: FilePath, to target: ObjectKey) -> ObjectKey {
        key("links/\(instance)/\(name(of: path))/\(SHA256Digest(of: target.bytes).hex)")
    }

    /// A marker to be seen in the mounted bucket.
    package func marker(nonce: String) -> ObjectKey { key("mount/\(nonce)") }

    /// A pack named by its content.
    package func pack(_ digest: SHA256Digest) -> ObjectKey { key("packs/\(digest.hex)") }

    /// A place for such a pack where the object of that name is damaged.
    package func pack(_ digest: SHA256Digest, nonce: String) -> ObjectKey {
        key("packs/\(digest.hex)-\(nonce)")
    }

    /// Where everything of a run but outputs is.
    package func runPrefix(_ run: RunID) -> String { joined("jobs/\(instance)/\(run)/") }

    /// The spec of a run.
    package func spec(_ run: RunID) -> ObjectKey { key("jobs/\(instance)/\(run)/spec.json") }

    /// The job directory of a run, packed; `nonce` sets one staging apart from its repetition.
    package func runPack(_ run: RunID, nonce: String) -> ObjectKey {
        key("jobs/\(instance)/\(run)/pack/\(nonce)")
    }

    /// The one result of a run.
    package func result(_ run: RunID) -> ObjectKey { key("jobs/\(instance)/\(run)/result.json") }

    /// The result of the run whose spec is at `spec`, for those who have not read that yet.
    package static func result(besides spec: ObjectKey) throws(NameError) -> ObjectKey {
        let folder = spec.bytes.lastIndex(of: FilePath.separator).map { spec.bytes[...$0] } ?? []
        return try ObjectKey(folder + Array("result.json".utf8))
    }

    /// Where an attempt says that it began.
    package func started(_ run: RunID, _ attempt: AttemptID) -> ObjectKey {
        key("jobs/\(instance)/\(run)/attempts/\(attempt)/started.json")
    }

    /// An attempt's report.
    package func report(_ run: RunID, _ attempt: AttemptID) -> ObjectKey {
        key("jobs/\(instance)/\(run)/attempts/\(attempt)/report.json")
    }

    /// A pack of small files that an attempt pushed.
    package func pushedPack(_ run: RunID, _ attempt: AttemptID, _ number: Int) -> ObjectKey {
        key("jobs/\(instance)/\(run)/attempts/\(attempt)/job/\(number)")
    }

    /// The bytes of one output of an attempt.
    package func data(_ run: RunID, _ attempt: AttemptID, _ number: Int) -> ObjectKey {
        key("data/\(instance)/\(run)/\(attempt)/\(number)")
    }

    /// What keeps two that free space from being at work at once.
    package var garbageLock: ObjectKey { key("gc/\(instance)") }

    /// Where Galaxy servers sign that they live.
    package var signs: [UInt8] { Array(joined("galaxies/\(instance)/").utf8) }

    /// The sign of one of them.
    package func sign(nonce: String) -> ObjectKey { key("galaxies/\(instance)/\(nonce)") }

    /// Everything that is ours begins so.
    package var everything: [UInt8] { Array(joined("").utf8) }

    /// Where one examination of the store tries things out.
    package func doctorPrefix(nonce: String) -> String { joined("doctor/\(nonce)/") }

    /// One object of an examination.
    package func doctor(nonce: String, _ name: String) -> ObjectKey {
        key("doctor/\(nonce)/\(name)")
    }

    /// What every `serve` tries to make, if it is not there.
    package var serveTrial: ObjectKey { key("doctor/serve") }

    private func name(of path: FilePath) -> String { SHA256Digest(of: path.bytes).hex }

    private func joined(_ rest: String) -> String {
        prefix.description.isEmpty ? rest : "\(prefix)/\(rest)"
    }

    /// A prefix of at most 256 bytes and names of fixed length stay far below a key's limit.
    private func key(_ rest: String) -> ObjectKey {
        guard let key = try? ObjectKey(joined(rest)) else {
            preconditionFailure("a key of the layout is longer than S3 takes")
        }
        return key
    }
}
