// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import S3Client

/// The layout of one pack: which file is where, to the byte, before any file is read.
///
/// Members are sorted by name and carry their absolute path without the first slash, so the same
/// files give the same bytes on every machine.
package struct PackPlan: Sendable {
    struct Member: Sendable {
        let file: SurveyedFile
        /// Where the header begins.
        let offset: Int64
        /// Where it ends.
        let contents: Int64

        var end: Int64 {
            contents + file.size + Int64(TarFormat.padding(after: file.size))
        }
    }

    /// What mtime members get.
    package enum Times: Sendable {
        /// Their own.
        case own
        /// All the same, 1 January 2000, so that a tool installed again has the same pack.
        case fixed
    }

    let members: [Member]
    private let times: Times
    /// The size of the whole pack.
    package let length: Int64

    package init(
        _ files: [SurveyedFile],
        times: Times
    ) throws(StagingError) {
        var members: [Member] = []
        var offset: Int64 = 0
        for file in files.sorted(by: { $0.path < $1.path }) {
            if let last = members.last, last.file.path == file.path { continue }
            guard let header = Self.header(of: file, times) else {
                throw StagingError(.refused, what: "The root directory is no file")
            }
            let contents = offset + Int64(header.length)
            let member = Member(file: file, offset: offset, contents: contents)
            members.append(member)
            offset = member.end
        }
        self.members = members
        self.times = times
        length = offset + Int64(TarFormat.end.count)
    }

    /// How many files it holds.
    package var count: Int { members.count }

    /// The files it holds, in order.
    package var files: [SurveyedFile] { members.map(\.file) }

    private static let fixedTime = FileTime(seconds: 946_684_800)

    /// The blocks before a member's contents, made when they are read: those of many files take more memory
    /// than their names.
    func header(of member: Member) -> [UInt8] {
        Self.header(of: member.file, times)?.blocks() ?? []
    }

    private static func header(of file: SurveyedFile, _ times: Times) -> TarHeader? {
        guard let name = file.path.relative(to: .root) else { return nil }
        return TarHeader(
            name: name,
            size: file.size,
            mode: file.mode,
            modified: times == .own ? file.stamp.modified : fixedTime
        )
    }

    /// Where the header, the contents or the padding that holds the byte at `offset` ends.
    func border(after offset: Int64) -> Int64 {
        let index = index(at: offset)
        guard index < members.count else { return length }
        let member = members[index]
        let borders = [member.contents, member.contents + member.file.size, member.end]
        return borders.first { $0 > offset } ?? length
    }

    /// The file whose contents are exactly `range`; nil for none.
    func file(_ range: Range<Int64>) -> Int? {
        let index = index(at: range.lowerBound)
        guard index < members.count, members[index].contents == range.lowerBound,
            members[index].file.size == Int64(range.count)
        else { return nil }
        return index
    }

    /// Fails if a file without a byte, whose place is in `range`, has some by now: nobody reads it.
    func checkEmptyFiles(in range: ByteRange) throws(StagingError) {
        let end = range.offset + range.length
        for member in members[index(at: range.offset)...] {
            guard member.offset < end else { return }
            if member.file.size == 0 { try member.file.checkUnchanged() }
        }
    }

    /// The member that holds the byte at `offset`, or `members.count` for the end blocks.
    func index(at offset: Int64) -> Int {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].end <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
