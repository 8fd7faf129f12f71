// SPDX-License-Identifier: Apache-2.0

import Contract
import Names
import Staging

/// What a Galaxy server leaves in the bucket again and again: a word that it has written to Galaxy's disk
/// before. Whoever sees the word at that path sees that disk.
struct DiskSign: VersionedDocument, Equatable {
    static let currentVersion = 1

    var version = DiskSign.currentVersion
    /// The Galaxy server's name, and the machine's, for people.
    var server: String
    var host: String
    /// Where the word is on Galaxy's disk.
    var file: FilePath
    var word: String
}

/// The words that a Galaxy server has written to Galaxy's disk: the one that is in the bucket, and the one
/// that will be there next.
struct DiskWords: VersionedDocument, Equatable {
    static let currentVersion = 1
    /// Enough for one that is there, and one that is on its way.
    private static let most = 2

    var version = DiskWords.currentVersion
    /// What the sign's key ends in.
    var sign: String
    /// The last is the newest; never empty.
    private(set) var words: [String]

    /// A sign that nobody has made before.
    init() { (sign, words) = (Nonce.draw(), [Nonce.draw()]) }

    /// The word to put into the bucket, once these are on the disk.
    var newest: String { words.last ?? "" }

    func contains(_ word: String) -> Bool { words.contains(word) }

    /// What to write to the disk before the bucket is told.
    ///
    /// - Parameters:
    ///   - noted: what is on the disk; nil for nothing.
    ///   - sign: what is in the bucket at the key that `noted` names; nil for nothing.
    init(after noted: DiskWords?, _ sign: DiskSign?) {
        guard let noted else {
            self.init()
            return
        }
        guard let sign else {
            // Never put there, or taken away by whoever took this Galaxy for gone.
            self = noted
            return
        }
        guard noted.contains(sign.word) else {
            // Somebody who has a copy of this disk has signed in our place. Both are to be seen from now on.
            self.init()
            return
        }
        self = noted
        // Not before the last has arrived: a third could push out one that is still in the bucket.
        if sign.word == newest { words = [sign.word, Nonce.draw()].suffix(Self.most) }
    }

    var problem: String? {
        Hex.decode(sign)?.count == 16 && !words.isEmpty ? nil : "it names no sign"
    }
}
