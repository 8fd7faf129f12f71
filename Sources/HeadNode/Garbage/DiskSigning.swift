// SPDX-License-Identifier: Apache-2.0

import Contract
import Diagnostics
import Digests
import Glibc
import Names
import S3Client
import Staging

/// Signs for one Galaxy server that its Galaxy lives, and on which disk: a new word goes to a file beside
/// Galaxy's job directories, then to the bucket.
///
/// It keeps nothing in memory, and may be cut off anywhere and done again. Whoever has a copy of the disk
/// has the words of the past alone.
struct DiskSigning: Sendable {
    let store: any ObjectStore
    let layout: JobLayout
    let server: ServerName

    /// Signs once.
    ///
    /// - Parameter directory: of Galaxy's; one that stays, and that whoever runs `gc` sees.
    /// - Throws: when the disk or the store does not do its part.
    func sign(in directory: FilePath) async throws(HeadError) {
        let action = "Cannot sign that Galaxy lives here"
        let file = try await staging(action) { () throws(StagingError) in
            try naming { () throws(NameError) in
                try directory.appending(".galaxy-s3-\(layout.instance)-\(server.fileName)")
            }
        }
        let noted = try await staging(action) { () throws(StagingError) in
            try DiskWords.read(file)
        }
        var found: DiskSign?
        if let noted {
            found = try await staging(action) { () async throws(StagingError) in
                try await DocumentStore(store)
                    .read(DiskSign.self, at: layout.sign(nonce: noted.sign), name: "sign")
            }
        }
        let words = DiskWords(after: noted, found)
        if words != noted {
            try await staging(action) { () async throws(StagingError) in try words.write(file) }
        }
        let sign = DiskSign(
            server: server.description,
            host: Self.host,
            file: file,
            word: words.newest
        )
        let isNew = words.sign != noted?.sign || found == nil
        try await staging(action) { () async throws(StagingError) in
            let bytes = try documents { () throws(ContractError) in
                try ContractCoding.encode(sign)
            }
            do throws(S3Error) {
                // Where somebody was quicker the next time sees to it.
                try await DocumentStore(store)
                    .put(
                        bytes,
                        at: layout.sign(nonce: words.sign),
                        condition: isNew ? .absent : nil
                    )
            } catch {
                throw .store("put a Galaxy server's sign", error)
            }
        }
    }

    /// Where this server has signed before, as the bucket knows it, if that is on this disk; nil for nowhere.
    /// A copy of the disk counts: who lives there has to sign too.
    func lastPlace() async throws(HeadError) -> FilePath? {
        let all = try await GalaxySigns(store: store, layout: layout).all()
        return all.first { found in
            found.sign.server == server.description && (try? DiskWords.read(found.sign.file)) != nil
        }?
        .sign.file.parent
    }

    private static let host: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }.logSafe
    }()
}

extension DiskWords {
    /// A file has less, in bytes.
    private static let largest = 4096

    /// What is on the disk; nil for nothing, or for what is no such document.
    ///
    /// - Throws: when it cannot be known: a disk that fails for a moment has not lost its words.
    static func read(_ file: FilePath) throws(StagingError) -> DiskWords? {
        guard let parent = file.parent else { return nil }
        let name = try naming { () throws(NameError) in try RelativePath(file.lastComponent) }
        let bytes: [UInt8]
        do throws(StagingError) {
            bytes = try Directory(path: parent).open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
                .readAll(limit: largest, name: file)
        } catch {
            if error.code == .missing { return nil }
            throw error
        }
        return try? ContractCoding.decode(DiskWords.self, from: bytes, name: "words of a sign")
    }

    /// On the disk before this returns.
    func write(_ file: FilePath) throws(StagingError) {
        let bytes = try documents { () throws(ContractError) in try ContractCoding.encode(self) }
        guard let parent = file.parent else { return }
        let name = try naming { () throws(NameError) in try RelativePath(file.lastComponent) }
        try Directory(path: parent).replace(name, with: bytes)
    }
}
